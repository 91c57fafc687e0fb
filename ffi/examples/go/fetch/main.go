// Prints the merged page of an app: fetch demo/dev/hello
package main

import (
	"context"
	"log"
	"os"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func main() {
	client, err := promfetch.NewClient() // configured from the environment
	if err != nil {
		log.Fatal(err)
	}
	client.WaitReady(context.Background())
	page, err := client.Fetch(context.Background(), promfetch.Request{Selector: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	page.WriteTo(os.Stdout)
	client.Close()
}
