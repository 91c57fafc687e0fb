// nomad-apm-host runs one APM plugin as the agent of Nomad's autoscaler does, by the library that the agent uses,
// for tests: each call to it over HTTP is one step of the agent's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc/status"
)

// answer is what a step came to. Errors of the plugin are answers like others.
type answer struct {
	Error   string          `json:"error,omitempty"`
	Code    string          `json:"code,omitempty"`
	Pid     int             `json:"pid,omitempty"`
	Address string          `json:"address,omitempty"`
	Name    string          `json:"name,omitempty"`
	Type    string          `json:"type,omitempty"`
	Exited  bool            `json:"exited"`
	Series  [][][2]float64  `json:"series"`
	Log     json.RawMessage `json:"log,omitempty"`
}

func failed(err error) answer {
	state, _ := status.FromError(err)
	return answer{Error: state.Message(), Code: state.Code().String()}
}

// step makes a handler of one step, whose question is the JSON in the request's body.
func step[Q any](run func(context.Context, Q) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var question Q
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(run(r.Context(), question)); err != nil {
			log.Print(err)
		}
	}
}

func main() {
	h := newHost()
	mux := http.NewServeMux()
	mux.Handle("POST /start", step(h.start))
	mux.Handle("POST /ping", step(h.ping))
	mux.Handle("POST /info", step(h.info))
	mux.Handle("POST /config", step(h.configure))
	mux.Handle("POST /query", step(h.query))
	mux.Handle("POST /multiple", step(h.multiple))
	mux.Handle("POST /kill", step(h.kill))
	mux.Handle("POST /state", step(h.state))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("api: http://%s\n", listener.Addr())
	if err := http.Serve(listener, mux); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}
