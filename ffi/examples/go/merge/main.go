// Merges pages in files, and labels each with its name: merge one.txt two.txt
package main

import (
	"log"
	"os"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func main() {
	merge, err := promfetch.NewMerge(promfetch.MergeOptions{})
	for _, name := range os.Args[1:] {
		data, _ := os.ReadFile(name)
		if err := merge.AddPinned([]promfetch.Label{{Name: "file", Value: name}}, "", data); err != nil {
			log.Println(name, err)
		}
	}
	page, err := merge.Finish()
	if err != nil {
		log.Fatal(err)
	}
	page.WriteTo(os.Stdout)
}
