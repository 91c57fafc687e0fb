module github.com/promfetch/promfetch/ffi/examples/go

go 1.24

require github.com/promfetch/promfetch/ffi/go v0.1.0

// In the repository both are beside each other. In a module of your own leave this out.
replace github.com/promfetch/promfetch/ffi/go => ../../go
