// Prints the metrics of all instances of an app as one page: fetch [selector]. Handles free themselves.
#include <cstdio>
#include <memory>
#include <promfetch.h>

template <auto free> struct Free { template <class T> void operator()(T *handle) const { free(handle); } };
using Client = std::unique_ptr<promfetch_client, Free<promfetch_client_free>>;
using Page = std::unique_ptr<promfetch_exposition, Free<promfetch_exposition_free>>;
using Error = std::unique_ptr<promfetch_error, Free<promfetch_error_free>>;

int main(int argc, char **argv) {
    promfetch_error *err = nullptr;
    Client client(promfetch_client_new(nullptr, &err));
    promfetch_client_wait_ready(client.get(), 10000, &err);
    Page page(promfetch_fetch(client.get(), argc > 1 ? argv[1] : "demo/dev/hello", &err));
    Error error(err);
    std::fputs(promfetch_exposition_data(page.get(), nullptr), stdout);
    if (error) std::fprintf(stderr, "%s\n", promfetch_error_message(error.get()));
    return error ? 1 : 0;
}
