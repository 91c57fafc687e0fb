// The program nomad-apm-plugin: a plugin of Nomad's autoscaler with metrics, written with HashiCorp's own library as
// others write theirs, which behaves as its arguments, its configuration and each query tell it to.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

var (
	mode = flag.String("mode", "serve", "serve; garbage, netrpc, core, version, remote, nobody: another first line; "+
		"silent, flood, mute, quiet, exit: none; stubborn: serves, but does not end when told to")
	name   = flag.String("name", filepath.Base(os.Args[0]), "the name that it tells")
	kind   = flag.String("type", "apm", "the type that it tells: apm, target, none")
	cookie = flag.String("cookie", "e082fa04d587a6525d683666fa253d6afda00f20c122c54a80a3ed57fec99ff3", "the cookie that it wants to be started with")
	pids   = flag.String("pids", "", "file to which it adds its process id, and those of its children, a line each")
	child  = flag.Bool("child", false, "starts a process of its own, which does not end with it")
	tcp    = flag.Bool("tcp", false, "serves on TCP")
	open   = flag.Bool("env", false, "writes its environment to stderr")
)

func main() {
	flag.Parse()
	tell(os.Getpid())
	if *child {
		other := exec.Command("sleep", "1000")
		if err := other.Start(); err != nil {
			panic(err)
		}
		tell(other.Process.Pid)
	}
	if *open {
		for _, variable := range os.Environ() {
			fmt.Fprintln(os.Stderr, "environment:", variable)
		}
	}
	switch *mode {
	case "silent":
		time.Sleep(time.Hour)
	case "mute":
		for {
			fmt.Fprintln(os.Stderr, "still starting")
		}
	case "garbage":
		line("hello, I am a plugin")
	case "netrpc":
		line("1|1|unix|/tmp/nobody.sock|netrpc|")
	case "core":
		line("7|1|unix|/tmp/nobody.sock|grpc|")
	case "version":
		line("1|7|unix|/tmp/nobody.sock|grpc|")
	case "remote":
		line("1|1|tcp|192.0.2.1:80|grpc|")
	case "nobody":
		line("1|1|unix|/tmp/nobody.sock|grpc|")
	case "flood":
		for {
			fmt.Print("without an end ")
		}
	case "quiet":
		_ = os.Stdout.Close()
		time.Sleep(time.Hour)
	case "exit":
		fmt.Fprintln(os.Stderr, "my disk is full")
		os.Exit(3)
	}
	if *tcp {
		// go-plugin offers TCP on Windows alone. This plugin has another library below it then.
		serveTCP()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "NOMAD_AUTOSCALER_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: *cookie,
		},
		Plugins:    map[string]plugin.Plugin{"base": &services{}},
		GRPCServer: plugin.DefaultGRPCServer,
		Logger:     log,
	})
	if *mode == "stubborn" {
		time.Sleep(time.Hour)
	}
}

var log = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: os.Stderr, JSONFormat: true})

// Writes a line in place of the handshake, and stays.
func line(text string) {
	fmt.Println(text)
	time.Sleep(time.Hour)
}

func tell(pid int) {
	if *pids == "" {
		return
	}
	file, err := os.OpenFile(*pids, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.WriteString(strconv.Itoa(pid) + "\n"); err != nil {
		panic(err)
	}
}
