// Prints the instances of an app: discover demo/dev/hello
package main

import (
	"context"
	"fmt"
	promfetch "github.com/promfetch/promfetch/ffi/go"
	"os"
)

func main() {
	client, err := promfetch.NewClient() // configured from the environment
	if err != nil {
		panic(err)
	}
	client.WaitReady(context.Background())
	targets, err := client.Discover(context.Background(), promfetch.Request{Selector: os.Args[1]})
	if err != nil {
		panic(err)
	}
	for _, target := range targets {
		fmt.Println(target.URL(), target.Labels["index"])
	}
}
