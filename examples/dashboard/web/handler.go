package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

var templates = template.Must(template.ParseFS(assets, "assets/*.html"))

const (
	// A burst of changes is one change for the eye.
	calm = 250 * time.Millisecond
	// Ages move on without any change in the cluster.
	tick = 10 * time.Second
)

func handler(stop context.Context, b *board, notes *store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		notes.countView(r.Context())
		page := render("page.html", b.snapshot(time.Now()))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) { live(stop, w, r, b) })
	mux.HandleFunc("GET /api/cluster", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(b.snapshot(time.Now()))
	})
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		text := strings.TrimSpace(r.FormValue("text"))
		if text == "" || len(text) > longestNote {
			http.Error(w, fmt.Sprintf("A note has 1 to %d characters.", longestNote), http.StatusBadRequest)
			return
		}
		back(w, r, notes.add(r.Context(), text))
	})
	mux.HandleFunc("POST /notes/remove", func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if !strings.HasPrefix(id, notePrefix) {
			http.Error(w, "There is no such note.", http.StatusBadRequest)
			return
		}
		back(w, r, notes.remove(r.Context(), id))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !b.ready() {
			http.Error(w, "nodes and pods have not been seen yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	return guarded(mux)
}

// guarded takes forms from our own page only, and lets the page load nothing but ours.
func guarded(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	}))
}

// back leads a form to the page again, so that a reload does not send it twice.
func back(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		http.Error(w, "The store does not answer.", http.StatusBadGateway)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// live sends the changing part of the page, whenever it has changed, as server-sent events.
func live(stop context.Context, w http.ResponseWriter, r *http.Request, b *board) {
	answer := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	var sent []byte
	for {
		next := b.next() // asked for before the snapshot: no change is missed
		part := render("live.html", b.snapshot(time.Now()))
		message := []byte(": still here\n\n")
		if !bytes.Equal(part, sent) {
			message = eventOf(part)
		}
		if _, err := w.Write(message); err != nil || answer.Flush() != nil {
			return
		}
		sent = part
		if !pause(stop, r.Context(), nil, calm) || !pause(stop, r.Context(), next, tick) {
			return
		}
	}
}

// pause ends with true after the time or when woken, with false when nobody reads any more.
func pause(stop, reader context.Context, woken <-chan struct{}, longest time.Duration) bool {
	select {
	case <-stop.Done():
		return false
	case <-reader.Done():
		return false
	case <-woken:
	case <-time.After(longest):
	}
	return true
}

func eventOf(part []byte) []byte {
	var message bytes.Buffer
	for line := range bytes.SplitSeq(part, []byte("\n")) {
		fmt.Fprintf(&message, "data: %s\n", line)
	}
	message.WriteByte('\n')
	return message.Bytes()
}

func render(name string, s snapshot) []byte {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, s); err != nil {
		panic(err) // a template that does not fit the snapshot
	}
	return page.Bytes()
}
