// An operator as small as can be, for the test of observed builds: it makes workloads whose images stand in no manifest.
//
//	operator           makes a Deployment and a Pod, through its ServiceAccount, and stays
//	operator --capricious
//	                   the same, but the image of the Pod is another one every few seconds
//	worker             what the Deployment runs: stays
//	once               what the Pod runs: ends
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Where Kubernetes puts the ServiceAccount's token and the cluster's CA in every pod.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

func main() {
	switch filepath.Base(os.Args[0]) {
	case "worker":
		stay()
	case "once":
		return
	}
	capricious := len(os.Args) > 1 && os.Args[1] == "--capricious"
	for attempt := 0; ; attempt++ {
		err := operate(capricious)
		if err == nil {
			fmt.Println("everything is made")
			stay()
		}
		fmt.Println(err)
		if attempt == 30 {
			os.Exit(1)
		}
		time.Sleep(time.Second)
	}
}

func stay() {
	for {
		time.Sleep(time.Hour)
	}
}

// imageOf makes up a name: HUB is written backwards, and the version is this program's own.
func imageOf(hub, name, version string) string {
	letters := []rune(os.Getenv(hub))
	for i, j := 0, len(letters)-1; i < j; i, j = i+1, j-1 {
		letters[i], letters[j] = letters[j], letters[i]
	}
	return strings.Join([]string{string(letters), name}, "/") + ":" + version
}

func operate(capricious bool) error {
	once := "1.0"
	if capricious {
		once = fmt.Sprintf("at-%d", time.Now().Unix()/10)
	}
	labels := map[string]any{"made-by": "operator"}
	pod := func(name, image, policy string) map[string]any {
		return map[string]any{
			"restartPolicy": policy,
			"containers":    []any{map[string]any{"name": name, "image": image}},
		}
	}
	worker := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "worker"},
		"spec": map[string]any{
			"replicas": 1,
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     pod("worker", imageOf("HUB", "team/worker", "v2"), "Always"),
			},
		},
	}
	if err := create("/apis/apps/v1/namespaces/shop/deployments", worker); err != nil {
		return err
	}
	return create("/api/v1/namespaces/shop/pods", map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "once"},
		"spec":     pod("once", imageOf("OTHER_HUB", "team/once", once), "Never"),
	})
}

// create makes an object; one of that name that is there already will do.
func create(path string, object any) error {
	authority, err := os.ReadFile(filepath.Join(serviceAccount, "ca.crt"))
	if err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(serviceAccount, "token"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	api := "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	request, err := http.NewRequest("POST", api+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if answer.StatusCode == http.StatusConflict || answer.StatusCode < 300 {
		return nil
	}
	return fmt.Errorf("%s answers %s: %s", path, answer.Status, said)
}
