package promfetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// What stands around those blocks of README.md that are no whole programs.
const (
	before = `package main

import (
	"log"
	"net/http"
	"strconv"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

var (
	client *promfetch.Client
	pages  [][]byte
	merged *promfetch.Exposition
	_, _   = log.Print, strconv.Itoa
	_      = http.Handle
)

func main() { block() }

func block() (err error) {
`
	after = "\treturn err\n}\n"
)

func TestTheReadmesProgramsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the compiler")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module readme\n\ngo 1.24\n\nrequire github.com/promfetch/promfetch/ffi/go v0.1.0\n\nreplace github.com/promfetch/promfetch/ffi/go => "+here+"\n")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for i, block := range blocks {
		text := block[1]
		if !strings.HasPrefix(text, "package ") {
			text = before + strings.Replace(text, "merged, err := ", "merged, err = ", 1) + after
		}
		write("block"+string(rune('0'+i))+"/main.go", text)
	}
	command := exec.Command("go", "vet", "-tags", tags(), "./...")
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=mod")
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// tags are the build tags of this test, which decide what is linked.
func tags() string {
	info, _ := debug.ReadBuildInfo()
	for _, setting := range info.Settings {
		if setting.Key == "-tags" {
			return setting.Value
		}
	}
	return ""
}
