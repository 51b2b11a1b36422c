// Command store keeps small texts under names, in one file: the state behind the dashboard.
//
//	GET    /values/NAME            the text, or 404
//	PUT    /values/NAME            sets it to the body (at most 64 KiB)
//	DELETE /values/NAME            takes it away; no error if it is not there
//	GET    /values?prefix=P        a JSON object of all names that begin with P
//	POST   /values/NAME/increment  takes the text for a number, adds one, answers with it
//	GET    /healthz                200
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("listen", ":8080", "address to listen on")
	file := flag.String("file", "/data/store.json", "file that holds the values")
	flag.Parse()
	values, err := open(*file)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *address, Handler: handler(values), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer release()
	go func() {
		<-stop.Done()
		deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(deadline)
	}()
	log.Printf("%d values in %s, listening on %s", values.count(), *file, *address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
