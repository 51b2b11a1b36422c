// Command web shows the live nodes and pods of the cluster that it runs in, and notes kept in the store.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("listen", ":8080", "address to listen on")
	storeURL := flag.String("store", "http://store", "URL of the store")
	flag.Parse()
	cluster, err := inCluster()
	if err != nil {
		log.Fatal(err)
	}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer release()

	board := newBoard(os.Getenv("NODE_NAME"))
	notes := newStore(*storeURL)
	go follow(stop, cluster, "/api/v1/nodes", board.nodes)
	go follow(stop, cluster, "/api/v1/pods", board.pods)
	go notes.follow(stop, board)

	// No write timeout: a live page stays connected for as long as it is open.
	server := &http.Server{Addr: *address, Handler: handler(stop, board, notes), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-stop.Done()
		deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(deadline)
	}()
	log.Printf("listening on %s", *address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
