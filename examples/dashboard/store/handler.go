package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

const largest = 64 << 10

func handler(v *values) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /values", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v.withPrefix(r.URL.Query().Get("prefix")))
	})
	mux.HandleFunc("GET /values/{name}", func(w http.ResponseWriter, r *http.Request) {
		text, found := v.get(r.PathValue("name"))
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, text)
	})
	mux.HandleFunc("PUT /values/{name}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
		if err != nil || !utf8.Valid(body) {
			http.Error(w, "a value is UTF-8 text of at most 64 KiB", http.StatusBadRequest)
			return
		}
		answer(w, v.set(r.PathValue("name"), string(body)))
	})
	mux.HandleFunc("DELETE /values/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, v.remove(r.PathValue("name")))
	})
	mux.HandleFunc("POST /values/{name}/increment", func(w http.ResponseWriter, r *http.Request) {
		number, err := v.increment(r.PathValue("name"))
		if err != nil {
			answer(w, err)
			return
		}
		fmt.Fprintln(w, number)
	})
	return mux
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, errNoNumber):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
