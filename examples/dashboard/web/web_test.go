package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	nodeList = `{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"uid":"n1","name":"alpha","labels":{"node-role.kubernetes.io/control-plane":""}},
		"status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}}]}`
	podList = `{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"uid":"p1","name":"first","namespace":"default"},"spec":{"nodeName":"alpha"},
		"status":{"phase":"Running","containerStatuses":[{"ready":true}]}}]}`
)

// api stands for the API server: fixed lists, and watches that say what the test tells them to.
type api struct {
	*httptest.Server
	pods  chan string
	lists atomic.Int32
}

func newAPI(t *testing.T) *api {
	a := &api{pods: make(chan string)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		isPods := r.URL.Path == "/api/v1/pods"
		if r.URL.Query().Get("watch") == "" {
			if isPods {
				a.lists.Add(1)
				io.WriteString(w, podList)
			} else {
				io.WriteString(w, nodeList)
			}
			return
		}
		w.(http.Flusher).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case line := <-a.pods:
				if !isPods {
					continue
				}
				io.WriteString(w, line+"\n")
				w.(http.Flusher).Flush()
			}
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// tell gives a line to the watch on pods; the one on nodes swallows what reaches it first.
func (a *api) tell(t *testing.T, line string, until func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for !until() {
		select {
		case a.pods <- line:
			time.Sleep(20 * time.Millisecond)
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("it did not happen within 5 s")
		}
	}
}

func watched(t *testing.T) (*api, *board) {
	t.Helper()
	a := newAPI(t)
	b := newBoard("here")
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	c := &cluster{url: a.URL, http: a.Client(), token: func() (string, error) { return "secret", nil }}
	go follow(ctx, c, "/api/v1/nodes", b.nodes)
	go follow(ctx, c, "/api/v1/pods", b.pods)
	for deadline := time.Now().Add(5 * time.Second); !b.ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nodes and pods were not seen")
		}
	}
	return a, b
}

func podNames(b *board) string {
	names := []string{}
	for _, p := range b.snapshot(time.Now()).Pods {
		names = append(names, p.Name+" "+p.State)
	}
	return strings.Join(names, ", ")
}

func TestTheBoardFollowsPods(t *testing.T) {
	a, b := watched(t)
	if names := podNames(b); names != "first Running" {
		t.Fatalf("got %q", names)
	}
	a.tell(t, `{"type":"ADDED","object":{"metadata":{"uid":"p2","name":"second","namespace":"default","resourceVersion":"2"},"status":{"phase":"Pending"}}}`,
		func() bool { return podNames(b) == "first Running, second Pending" })
	a.tell(t, `{"type":"DELETED","object":{"metadata":{"uid":"p1","name":"first","namespace":"default","resourceVersion":"3"}}}`,
		func() bool { return podNames(b) == "second Pending" })
}

func TestAnOutdatedWatchListsAnew(t *testing.T) {
	a, b := watched(t)
	before := a.lists.Load()
	a.tell(t, `{"type":"ERROR","object":{"code":410,"reason":"Expired"}}`, func() bool { return a.lists.Load() > before })
	if names := podNames(b); names != "first Running" {
		t.Errorf("got %q", names)
	}
}

func TestNodesShowRoleAndPods(t *testing.T) {
	_, b := watched(t)
	row := b.snapshot(time.Now()).Nodes[0]
	if row.Roles != "control-plane" || row.Pods != 1 || row.State != "Ready" || row.Address != "10.0.0.1" {
		t.Errorf("got %+v", row)
	}
}

func serve(t *testing.T, b *board, storeURL string) *httptest.Server {
	t.Helper()
	stop, end := context.WithCancel(context.Background())
	server := httptest.NewServer(handler(stop, b, newStore(storeURL)))
	t.Cleanup(server.Close)
	t.Cleanup(end)
	return server
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func TestNotReadyBeforeTheClusterWasSeen(t *testing.T) {
	server := serve(t, newBoard(""), "http://127.0.0.1:1")
	if code, _ := get(t, server.URL+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("got %d", code)
	}
}

func TestThePageIsThereWithoutTheStore(t *testing.T) {
	_, b := watched(t)
	b.update(func() { b.store = io.ErrUnexpectedEOF })
	code, page := get(t, serve(t, b, "http://127.0.0.1:1").URL)
	if code != http.StatusOK || !strings.Contains(page, "alpha") || !strings.Contains(page, "The store does not answer") {
		t.Errorf("got %d %s", code, page)
	}
}

func TestALivePageIsToldOfADeletedPod(t *testing.T) {
	a, b := watched(t)
	response, err := http.Get(serve(t, b, "http://127.0.0.1:1").URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := make(chan string, 10)
	go func() {
		var event strings.Builder
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if lines.Text() == "" {
				events <- event.String()
				event.Reset()
			}
			event.WriteString(lines.Text())
		}
	}()
	if first := <-events; !strings.Contains(first, "first") {
		t.Fatalf("got %q", first)
	}
	a.tell(t, `{"type":"DELETED","object":{"metadata":{"uid":"p1","resourceVersion":"2"}}}`, func() bool { return podNames(b) == "" })
	select {
	case second := <-events:
		if !strings.Contains(second, "No pod has been seen") {
			t.Errorf("got %q", second)
		}
	case <-time.After(5 * time.Second):
		t.Error("the page was not told")
	}
}

// memory stands for the store.
func memory(t *testing.T) *httptest.Server {
	all := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.Method {
		case http.MethodPut:
			all[strings.TrimPrefix(r.URL.Path, "/values/")] = string(body)
		case http.MethodPost:
			all[viewsName] = "1"
			fmt.Fprintln(w, 1)
		default:
			json.NewEncoder(w).Encode(all)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestANoteIsKeptAndShownAsText(t *testing.T) {
	_, b := watched(t)
	kept := memory(t)
	server := serve(t, b, kept.URL)
	response, err := http.PostForm(server.URL+"/notes", url.Values{"text": {"<script>alert(1)</script>"}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	newStore(kept.URL).refresh(t.Context(), b)
	_, page := get(t, server.URL)
	if !strings.Contains(page, "&lt;script&gt;alert(1)") || strings.Contains(page, "<script>alert") {
		t.Errorf("got %s", page)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	server := serve(t, newBoard(""), memory(t).URL)
	request, _ := http.NewRequest(http.MethodPost, server.URL+"/notes", strings.NewReader("text=x"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", response.StatusCode)
	}
}
