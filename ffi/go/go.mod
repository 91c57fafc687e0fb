module github.com/promfetch/promfetch/ffi/go

go 1.24
