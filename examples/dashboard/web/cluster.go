package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Where Kubernetes puts the ServiceAccount's token and the cluster's CA in every pod.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// cluster asks the API server.
type cluster struct {
	url   string
	http  *http.Client
	token func() (string, error)
}

// inCluster reaches the API as any pod does: address from the environment, CA and token from files.
func inCluster() (*cluster, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set")
	}
	authority, err := os.ReadFile(filepath.Join(serviceAccount, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("ca.crt of the ServiceAccount holds no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		ResponseHeaderTimeout: 5 * time.Second,
		ForceAttemptHTTP2:     true,
		// A control plane that dies says nothing; pings notice it.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 3 * time.Second, PingTimeout: 3 * time.Second},
	}
	return &cluster{
		url:  "https://" + net.JoinHostPort(host, port),
		http: &http.Client{Transport: transport},
		token: func() (string, error) { // read each time: Kubernetes replaces it within the hour
			text, err := os.ReadFile(filepath.Join(serviceAccount, "token"))
			return string(bytes.TrimSpace(text)), err
		},
	}, nil
}

// A view is told what there is, and then each change.
type view[T any] interface {
	replace(all []T)
	changed(one T)
	removed(one T)
	unreachable(err error)
}

type list[T any] struct {
	Metadata struct{ ResourceVersion string }
	Items    []T
}

type event struct {
	Type   string
	Object json.RawMessage
}

// follow lists the objects at a path, then watches them, until the context ends. After a failure it lists anew.
func follow[T any](ctx context.Context, c *cluster, path string, v view[T]) {
	for ctx.Err() == nil {
		if err := listAndWatch(ctx, c, path, v); err != nil && ctx.Err() == nil {
			v.unreachable(err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func listAndWatch[T any](ctx context.Context, c *cluster, path string, v view[T]) error {
	body, err := c.get(ctx, path, nil)
	if err != nil {
		return err
	}
	var all list[T]
	err = json.NewDecoder(body).Decode(&all)
	body.Close()
	if err != nil {
		return err
	}
	v.replace(all.Items)
	version := all.Metadata.ResourceVersion
	for {
		if version, err = watch(ctx, c, path, version, v); err != nil {
			return err
		}
	}
}

// watch ends without an error when the server closes the stream, as it does every few minutes; it answers with the
// version to go on from.
func watch[T any](ctx context.Context, c *cluster, path, version string, v view[T]) (string, error) {
	body, err := c.get(ctx, path, url.Values{"watch": {"1"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version}})
	if err != nil {
		return "", err
	}
	defer body.Close()
	for events := json.NewDecoder(body); ; {
		var next event
		if err := events.Decode(&next); errors.Is(err, io.EOF) {
			return version, nil
		} else if err != nil {
			return "", err
		}
		if next.Type == "ERROR" { // most often: the version is too old
			return "", fmt.Errorf("the watch ended: %s", next.Object)
		}
		var known struct {
			Metadata struct{ ResourceVersion string }
		}
		if err := json.Unmarshal(next.Object, &known); err != nil {
			return "", err
		}
		version = known.Metadata.ResourceVersion
		if next.Type == "BOOKMARK" {
			continue
		}
		var object T
		if err := json.Unmarshal(next.Object, &object); err != nil {
			return "", err
		}
		if next.Type == "DELETED" {
			v.removed(object)
		} else {
			v.changed(object)
		}
	}
}

func (c *cluster) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return nil, fmt.Errorf("%s: %s %s", path, response.Status, bytes.TrimSpace(text))
	}
	return response.Body, nil
}
