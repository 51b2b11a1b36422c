package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// values is a map that is in its file before a change is answered.
type values struct {
	file string
	lock sync.Mutex
	all  map[string]string
}

var errNoNumber = errors.New("the value is not a number")

func open(file string) (*values, error) {
	v := &values{file: file, all: map[string]string{}}
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &v.all); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	}
	return v, nil
}

func (v *values) count() int {
	v.lock.Lock()
	defer v.lock.Unlock()
	return len(v.all)
}

func (v *values) get(name string) (string, bool) {
	v.lock.Lock()
	defer v.lock.Unlock()
	text, found := v.all[name]
	return text, found
}

func (v *values) withPrefix(prefix string) map[string]string {
	v.lock.Lock()
	defer v.lock.Unlock()
	found := map[string]string{}
	for name, text := range v.all {
		if strings.HasPrefix(name, prefix) {
			found[name] = text
		}
	}
	return found
}

func (v *values) set(name, text string) error {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.change(name, &text)
}

func (v *values) remove(name string) error {
	v.lock.Lock()
	defer v.lock.Unlock()
	if _, found := v.all[name]; !found {
		return nil
	}
	return v.change(name, nil)
}

func (v *values) increment(name string) (int, error) {
	v.lock.Lock()
	defer v.lock.Unlock()
	number := 0
	if text, found := v.all[name]; found {
		var err error
		if number, err = strconv.Atoi(text); err != nil {
			return 0, errNoNumber
		}
	}
	number++
	text := strconv.Itoa(number)
	return number, v.change(name, &text)
}

// change writes first: what could not be written is not in memory either. nil takes the value away.
func (v *values) change(name string, text *string) error {
	before, had := v.all[name]
	if text == nil {
		delete(v.all, name)
	} else {
		v.all[name] = *text
	}
	err := v.write()
	if err != nil {
		delete(v.all, name)
		if had {
			v.all[name] = before
		}
	}
	return err
}

// write replaces the file at once: a crash leaves the old one or the new one.
func (v *values) write() error {
	content, err := json.Marshal(v.all)
	if err != nil {
		return err
	}
	unfinished, err := os.CreateTemp(filepath.Dir(v.file), ".store-*")
	if err != nil {
		return err
	}
	defer os.Remove(unfinished.Name())
	if _, err = unfinished.Write(content); err == nil {
		err = unfinished.Sync()
	}
	if closed := unfinished.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(unfinished.Name(), v.file)
}
