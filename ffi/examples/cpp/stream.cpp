// Prints the page of an app family by family: stream [selector]. Handles free themselves.
#include <iostream>
#include <memory>
#include <promfetch.h>
#include <string_view>

template <auto free> struct Free { template <class T> void operator()(T *handle) const { free(handle); } };
template <class T, auto free> using Handle = std::unique_ptr<T, Free<free>>;

int main(int argc, char **argv) {
    promfetch_error *err = nullptr;
    Handle<promfetch_client, promfetch_client_free> client(promfetch_client_new(nullptr, &err));
    promfetch_client_wait_ready(client.get(), 10000, &err);
    const char *selector = argc > 1 ? argv[1] : "demo/dev/hello";
    Handle<promfetch_request, promfetch_request_free> request(promfetch_request_new(selector, &err));
    Handle<promfetch_stream, promfetch_stream_free> stream(promfetch_stream_open(client.get(), request.get(), &err));
    std::size_t len;
    while (const char *family = promfetch_stream_next(stream.get(), &len, &err)) std::cout << std::string_view(family, len);
    Handle<promfetch_error, promfetch_error_free> error(err);
    if (error) std::cerr << promfetch_error_message(error.get()) << '\n';
    return error ? 1 : 0;
}
