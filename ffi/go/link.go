//go:build !promfetch_static

package promfetch

// The installed library, found by its pkg-config file: promfetch.pc says where header and library are.

// #cgo pkg-config: promfetch
import "C"
