package main

import (
	"cmp"
	"log"
	"maps"
	"slices"
	"sync"
	"time"
)

// board is what is known at the moment. Whoever shows it waits for the next change.
type board struct {
	servedBy string

	lock    sync.Mutex
	changed chan struct{} // closed and replaced at each change
	views   int
	notes   []note
	store   error // why the notes are not to be had

	nodes *objects[node]
	pods  *objects[pod]
}

func newBoard(servedBy string) *board {
	b := &board{servedBy: servedBy, changed: make(chan struct{})}
	b.nodes = &objects[node]{board: b, kind: "nodes", key: func(n node) string { return n.Metadata.UID }}
	b.pods = &objects[pod]{board: b, kind: "pods", key: func(p pod) string { return p.Metadata.UID }}
	return b
}

// update changes the board and wakes all who wait.
func (b *board) update(change func()) {
	b.lock.Lock()
	defer b.lock.Unlock()
	change()
	close(b.changed)
	b.changed = make(chan struct{})
}

// next is closed at the next change.
func (b *board) next() <-chan struct{} {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.changed
}

// ready says whether nodes and pods have been seen.
func (b *board) ready() bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.nodes.all != nil && b.pods.all != nil
}

// objects is the view of one kind.
type objects[T any] struct {
	board *board
	kind  string
	key   func(T) string
	all   map[string]T // nil: never seen
	err   error        // why it is not up to date
}

func (o *objects[T]) replace(all []T) {
	o.board.update(func() {
		o.err = nil
		o.all = map[string]T{}
		for _, one := range all {
			o.all[o.key(one)] = one
		}
	})
}

func (o *objects[T]) changed(one T) { o.board.update(func() { o.all[o.key(one)] = one }) }

func (o *objects[T]) removed(one T) { o.board.update(func() { delete(o.all, o.key(one)) }) }

func (o *objects[T]) unreachable(err error) {
	log.Printf("%s: %v", o.kind, err)
	o.board.update(func() { o.err = err })
}

// snapshot is the board in the form that the page and the JSON answer take.
type snapshot struct {
	ServedBy string    `json:"servedBy,omitempty"`
	Stale    bool      `json:"stale"`
	Nodes    []nodeRow `json:"nodes"`
	Pods     []podRow  `json:"pods"`
	Views    int       `json:"views"`
	Notes    []note    `json:"notes"`
	StoreUp  bool      `json:"storeUp"`
}

type nodeRow struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Good    bool   `json:"good"`
	Roles   string `json:"roles"`
	Address string `json:"address"`
	Version string `json:"version"`
	Machine string `json:"machine"`
	Pods    int    `json:"pods"`
	Age     string `json:"age"`
}

type podRow struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Good      bool   `json:"good"`
	Node      string `json:"node"`
	Address   string `json:"address"`
	Restarts  int    `json:"restarts"`
	Age       string `json:"age"`
}

// ReadyNodes is for the summary.
func (s snapshot) ReadyNodes() int {
	return count(s.Nodes, func(row nodeRow) bool { return row.Good })
}

// GoodPods is for the summary.
func (s snapshot) GoodPods() int {
	return count(s.Pods, func(row podRow) bool { return row.Good })
}

func count[T any](rows []T, is func(T) bool) int {
	number := 0
	for _, row := range rows {
		if is(row) {
			number++
		}
	}
	return number
}

func (b *board) snapshot(now time.Time) snapshot {
	b.lock.Lock()
	defer b.lock.Unlock()
	s := snapshot{
		ServedBy: b.servedBy,
		Stale:    b.nodes.err != nil || b.pods.err != nil,
		Nodes:    []nodeRow{},
		Pods:     []podRow{},
		Views:    b.views,
		Notes:    slices.Clone(b.notes),
		StoreUp:  b.store == nil,
	}
	onNode := map[string]int{}
	for _, p := range b.pods.all {
		onNode[p.Spec.NodeName]++
		st := p.state()
		s.Pods = append(s.Pods, podRow{
			Namespace: p.Metadata.Namespace, Name: p.Metadata.Name, State: st.Word, Good: st.Good, Node: p.Spec.NodeName,
			Address: p.Status.PodIP, Restarts: p.restarts(), Age: age(p.Metadata.CreationTimestamp, now),
		})
	}
	for n := range maps.Values(b.nodes.all) {
		st := n.state()
		s.Nodes = append(s.Nodes, nodeRow{
			Name: n.Metadata.Name, State: st.Word, Good: st.Good, Roles: n.roles(), Address: n.address(),
			Version: n.Status.NodeInfo.KubeletVersion, Machine: n.Status.NodeInfo.OSImage + ", " + n.Status.NodeInfo.Architecture,
			Pods: onNode[n.Metadata.Name], Age: age(n.Metadata.CreationTimestamp, now),
		})
	}
	slices.SortFunc(s.Nodes, func(a, b nodeRow) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Pods, func(a, b podRow) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return s
}
