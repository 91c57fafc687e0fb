package main

// The messages in Go, made from our own descriptions by `go generate` in this folder.

//go:generate go build -o ../../../.tools/bin/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
//go:generate ../../../.tools/venv/bin/python -m grpc_tools.protoc --proto_path=../../../plugins/proto --plugin=../../../.tools/bin/protoc-gen-go --go_out=. --go_opt=module=promfetch/nomad-apm-host --go_opt=Mnomad_autoscaler/apm.proto=promfetch/nomad-apm-host/proto/apm --go_opt=Mnomad_autoscaler/base.proto=promfetch/nomad-apm-host/proto/base --go_opt=Mnomad_autoscaler/shared.proto=promfetch/nomad-apm-host/proto/shared nomad_autoscaler/apm.proto nomad_autoscaler/base.proto nomad_autoscaler/shared.proto
