package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"promfetch/go-plugin/plugin/protocol/apm"
	"promfetch/go-plugin/plugin/protocol/base"
	"promfetch/go-plugin/plugin/protocol/shared"
)

// The two services of a plugin with metrics.
type services struct {
	plugin.NetRPCUnsupportedPlugin
	base.UnimplementedBasePluginServiceServer
	apm.UnimplementedAPMPluginServiceServer

	mutex  sync.Mutex
	config map[string]string
}

func (s *services) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	base.RegisterBasePluginServiceServer(server, s)
	apm.RegisterAPMPluginServiceServer(server, s)
	return nil
}

func (*services) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is the plugin")
}

func (*services) PluginInfo(context.Context, *base.PluginInfoRequest) (*base.PluginInfoResponse, error) {
	types := map[string]base.PluginType{
		"apm":    base.PluginType_PLUGIN_TYPE_APM,
		"target": base.PluginType_PLUGIN_TYPE_TARGET,
		"none":   base.PluginType_PLUGIN_TYPE_UNSPECIFIED,
	}
	return &base.PluginInfoResponse{Name: *name, Type: types[*kind]}, nil
}

// The configuration may say `refuse: text`, or `exit: text`; and `log: …` to write lines of all kinds.
func (s *services) SetConfig(_ context.Context, request *base.SetConfigRequest) (*base.SetConfigResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.config = request.Config
	if text := s.config["exit"]; text != "" {
		// Not os.Stderr: what goes there now is on its way over gRPC when the process ends.
		log.Error(text)
		os.Exit(4)
	}
	if text := s.config["refuse"]; text != "" {
		return nil, errors.New(text)
	}
	if s.config["log"] != "" {
		write()
	}
	return &base.SetConfigResponse{}, nil
}

func (s *services) Query(ctx context.Context, request *apm.QueryRequest) (*apm.QueryResponse, error) {
	s.mutex.Lock()
	config := s.config
	s.mutex.Unlock()
	from, to := request.TimeRange.From.AsTime(), request.TimeRange.To.AsTime()
	return answer(ctx, config, request.Query, from, to)
}

// Three series: what Query answers, with one and with two more.
func (s *services) QueryMultiple(ctx context.Context, request *apm.QueryMultipleRequest) (*apm.QueryMultipleResponse, error) {
	one, err := s.Query(ctx, &apm.QueryRequest{Query: request.Query, TimeRange: request.TimeRange})
	if err != nil {
		return nil, err
	}
	all := &apm.QueryMultipleResponse{TimestampedMetric: []*apm.QueryResponse{one}}
	for more := 1.0; more <= 2; more++ {
		series := &apm.QueryResponse{}
		for _, sample := range one.TimestampedMetric {
			series.TimestampedMetric = append(series.TimestampedMetric, sampleAt(sample.Timestamp.AsTime(), sample.Value+more))
		}
		all.TimestampedMetric = append(all.TimestampedMetric, series)
	}
	return all, nil
}

func sampleAt(at time.Time, value float64) *shared.TimestampedMetric {
	return &shared.TimestampedMetric{Timestamp: timestamppb.New(at), Value: value}
}

// What a plugin that is not written in Go with this library may do.
func serveTCP() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	ready := health.NewServer()
	ready.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, ready)
	if err := (&services{}).GRPCServer(nil, server); err != nil {
		panic(err)
	}
	fmt.Printf("1|1|tcp|%s|grpc\n", listener.Addr())
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}
