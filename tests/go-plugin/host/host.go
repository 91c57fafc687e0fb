package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"promfetch/nomad-apm-host/proto/apm"
	"promfetch/nomad-apm-host/proto/base"
	"promfetch/nomad-apm-host/proto/shared"
)

const (
	cookieName = "NOMAD_AUTOSCALER_PLUGIN_MAGIC_COOKIE"
	cookie     = "e082fa04d587a6525d683666fa253d6afda00f20c122c54a80a3ed57fec99ff3"

	basePath = "/hashicorp.nomad_autoscaler.plugins.base.proto.v1.BasePluginService/"
	apmPath  = "/hashicorp.nomad_autoscaler.plugins.apm.proto.v1.APMPluginService/"
)

// connection is how go-plugin hands over what it has dialled: calls go by the names of their methods.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

type host struct {
	log    buffer
	client *plugin.Client
	rpc    plugin.ClientProtocol
	conn   *grpc.ClientConn
}

func newHost() *host { return &host{} }

type startQuestion struct {
	Path      string   `json:"path"`
	Args      []string `json:"args"`
	Env       []string `json:"env"`
	Cookie    string   `json:"cookie"`
	AutoMTLS  bool     `json:"auto_mtls"`
	Multiplex bool     `json:"multiplex"`
}

func (h *host) start(_ context.Context, q startQuestion) answer {
	if q.Cookie == "" {
		q.Cookie = cookie
	}
	cmd := exec.Command(q.Path, q.Args...)
	cmd.Env = q.Env
	config := &plugin.ClientConfig{
		HandshakeConfig:     plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookieName, MagicCookieValue: q.Cookie},
		Plugins:             plugin.PluginSet{"apm": connection{}},
		Cmd:                 cmd,
		AllowedProtocols:    []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:            q.AutoMTLS,
		GRPCBrokerMultiplex: q.Multiplex,
		Logger: hclog.New(&hclog.LoggerOptions{
			Name: "host", Level: hclog.Trace, Output: &h.log, JSONFormat: true,
		}),
	}
	h.client = plugin.NewClient(config)
	rpc, err := h.client.Client()
	if err != nil {
		return failed(err)
	}
	raw, err := rpc.Dispense("apm")
	if err != nil {
		return failed(err)
	}
	h.rpc, h.conn = rpc, raw.(*grpc.ClientConn)
	attach := h.client.ReattachConfig()
	return answer{Pid: attach.Pid, Address: attach.Addr.String()}
}

type nothing struct{}

func (h *host) ping(context.Context, nothing) answer {
	if err := h.rpc.Ping(); err != nil {
		return failed(err)
	}
	return answer{}
}

func (h *host) info(ctx context.Context, _ nothing) answer {
	var info base.PluginInfoResponse
	if err := h.conn.Invoke(ctx, basePath+"PluginInfo", &base.PluginInfoRequest{}, &info); err != nil {
		return failed(err)
	}
	return answer{Name: info.Name, Type: info.Type.String()}
}

func (h *host) configure(ctx context.Context, config map[string]string) answer {
	request := &base.SetConfigRequest{Config: config}
	if err := h.conn.Invoke(ctx, basePath+"SetConfig", request, &base.SetConfigResponse{}); err != nil {
		return failed(err)
	}
	return answer{}
}

// queryQuestion has times in milliseconds since 1970; without them it is about the last Window milliseconds.
type queryQuestion struct {
	Query  string `json:"query"`
	From   *int64 `json:"from"`
	To     *int64 `json:"to"`
	Window int64  `json:"window"`
}

func (q queryQuestion) timeRange() *shared.TimeRange {
	to := time.Now()
	if q.To != nil {
		to = time.UnixMilli(*q.To)
	}
	from := to.Add(-time.Duration(q.Window) * time.Millisecond)
	if q.From != nil {
		from = time.UnixMilli(*q.From)
	}
	return &shared.TimeRange{From: timestamppb.New(from), To: timestamppb.New(to)}
}

func (h *host) query(ctx context.Context, q queryQuestion) answer {
	var response apm.QueryResponse
	request := &apm.QueryRequest{Query: q.Query, TimeRange: q.timeRange()}
	if err := h.conn.Invoke(ctx, apmPath+"Query", request, &response); err != nil {
		return failed(err)
	}
	return answer{Series: [][][2]float64{samples(&response)}}
}

func (h *host) multiple(ctx context.Context, q queryQuestion) answer {
	var response apm.QueryMultipleResponse
	request := &apm.QueryMultipleRequest{Query: q.Query, TimeRange: q.timeRange()}
	if err := h.conn.Invoke(ctx, apmPath+"QueryMultiple", request, &response); err != nil {
		return failed(err)
	}
	series := [][][2]float64{}
	for _, one := range response.TimestampedMetric {
		series = append(series, samples(one))
	}
	return answer{Series: series}
}

func samples(response *apm.QueryResponse) [][2]float64 {
	list := [][2]float64{}
	for _, one := range response.TimestampedMetric {
		list = append(list, [2]float64{float64(one.Timestamp.AsTime().UnixMilli()), one.Value})
	}
	return list
}

// kill is what the agent does at its end: Shutdown, 2 s, SIGKILL.
func (h *host) kill(context.Context, nothing) answer {
	h.client.Kill()
	return answer{Exited: h.client.Exited()}
}

func (h *host) state(context.Context, nothing) answer {
	return answer{Exited: h.client != nil && h.client.Exited(), Log: h.log.lines()}
}

// buffer keeps the host's log, an object a line.
type buffer struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) lines() json.RawMessage {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	lines := bytes.Split(bytes.TrimSpace(b.bytes.Bytes()), []byte("\n"))
	return json.RawMessage("[" + string(bytes.Join(lines, []byte(","))) + "]")
}
