package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ask(t *testing.T, v *values, method, path, body string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler(v).ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	text, _ := io.ReadAll(recorder.Result().Body)
	return recorder.Code, strings.TrimSpace(string(text))
}

func opened(t *testing.T, file string) *values {
	t.Helper()
	v, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValuesSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.json")
	first := opened(t, file)
	ask(t, first, "PUT", "/values/note-1", "hello")
	ask(t, first, "POST", "/values/views/increment", "")
	second := opened(t, file)
	if _, text := ask(t, second, "GET", "/values/note-1", ""); text != "hello" {
		t.Errorf("got %q", text)
	}
	if _, text := ask(t, second, "POST", "/values/views/increment", ""); text != "2" {
		t.Errorf("got %q", text)
	}
}

func TestOnlyNamesWithThePrefixAreListed(t *testing.T) {
	v := opened(t, filepath.Join(t.TempDir(), "store.json"))
	ask(t, v, "PUT", "/values/note-1", "a")
	ask(t, v, "PUT", "/values/other", "b")
	if _, text := ask(t, v, "GET", "/values?prefix=note-", ""); text != `{"note-1":"a"}` {
		t.Errorf("got %q", text)
	}
}

func TestADeletedValueIsGone(t *testing.T) {
	v := opened(t, filepath.Join(t.TempDir(), "store.json"))
	ask(t, v, "PUT", "/values/a", "1")
	ask(t, v, "DELETE", "/values/a", "")
	if code, _ := ask(t, v, "GET", "/values/a", ""); code != http.StatusNotFound {
		t.Errorf("got %d", code)
	}
}

func TestTextIsNotIncremented(t *testing.T) {
	v := opened(t, filepath.Join(t.TempDir(), "store.json"))
	ask(t, v, "PUT", "/values/a", "word")
	if code, _ := ask(t, v, "POST", "/values/a/increment", ""); code != http.StatusConflict {
		t.Errorf("got %d", code)
	}
}

func TestALargeValueIsRefused(t *testing.T) {
	v := opened(t, filepath.Join(t.TempDir(), "store.json"))
	if code, _ := ask(t, v, "PUT", "/values/a", strings.Repeat("x", largest+1)); code != http.StatusBadRequest {
		t.Errorf("got %d", code)
	}
}

func TestWhatCannotBeWrittenIsNotKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	os.Mkdir(folder, 0o755)
	v := opened(t, filepath.Join(folder, "store.json"))
	os.RemoveAll(folder)
	if code, _ := ask(t, v, "PUT", "/values/a", "1"); code != http.StatusInternalServerError {
		t.Errorf("got %d", code)
	}
	if v.count() != 0 {
		t.Error("the value is in memory")
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.json")
	os.WriteFile(file, []byte("{"), 0o644)
	if _, err := open(file); err == nil {
		t.Error("it was opened")
	}
}
