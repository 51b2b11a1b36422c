package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	notePrefix   = "note-"
	viewsName    = "views"
	longestNote  = 500
	askStoreEach = 2 * time.Second
)

// note is a text somebody left on the page.
type note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// store talks to the second tier.
type store struct {
	url  string
	http *http.Client
	// woken asks for the notes at once, after one has been written.
	woken chan struct{}
}

func newStore(url string) *store {
	return &store{url: strings.TrimSuffix(url, "/"), http: &http.Client{Timeout: 3 * time.Second}, woken: make(chan struct{}, 1)}
}

// follow keeps the board's notes up to date: other pages write to the same store.
func (s *store) follow(ctx context.Context, b *board) {
	for ctx.Err() == nil {
		s.refresh(ctx, b)
		select {
		case <-ctx.Done():
		case <-s.woken:
		case <-time.After(askStoreEach):
		}
	}
}

func (s *store) refresh(ctx context.Context, b *board) {
	notes, views, err := s.read(ctx)
	if ctx.Err() != nil {
		return
	}
	b.lock.Lock()
	failed, same := b.store != nil, b.store == nil && b.views == views && slices.Equal(b.notes, notes)
	b.lock.Unlock()
	if err != nil {
		if !failed {
			log.Printf("store: %v", err)
		}
		b.update(func() { b.store = err })
		return
	}
	if !same {
		b.update(func() { b.store, b.notes, b.views = nil, notes, views })
	}
}

// read answers with the notes, the newest first, and how often the page was opened.
func (s *store) read(ctx context.Context) ([]note, int, error) {
	text, err := s.ask(ctx, http.MethodGet, "/values", nil)
	if err != nil {
		return nil, 0, err
	}
	var all map[string]string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, 0, err
	}
	views, _ := strconv.Atoi(all[viewsName])
	notes := []note{}
	for name, text := range all {
		if strings.HasPrefix(name, notePrefix) {
			notes = append(notes, note{ID: name, Text: text})
		}
	}
	slices.SortFunc(notes, func(a, b note) int { return cmp.Compare(b.ID, a.ID) })
	return notes, views, nil
}

func (s *store) add(ctx context.Context, text string) error {
	name := fmt.Sprintf("%s%d", notePrefix, time.Now().UnixNano())
	_, err := s.ask(ctx, http.MethodPut, "/values/"+name, strings.NewReader(text))
	s.wake()
	return err
}

func (s *store) remove(ctx context.Context, id string) error {
	_, err := s.ask(ctx, http.MethodDelete, "/values/"+url.PathEscape(id), nil)
	s.wake()
	return err
}

func (s *store) countView(ctx context.Context) {
	if _, err := s.ask(ctx, http.MethodPost, "/values/"+viewsName+"/increment", nil); err == nil {
		s.wake()
	}
}

func (s *store) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *store) ask(ctx context.Context, method, path string, body io.Reader) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return "", err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if response.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return string(text), nil
}
