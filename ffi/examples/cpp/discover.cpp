// Prints the addresses of an app's instances, without asking them: discover [selector]. Handles free themselves.
#include <iostream>
#include <memory>
#include <promfetch.h>

template <auto free> struct Free { template <class T> void operator()(T *handle) const { free(handle); } };
template <class T, auto free> using Handle = std::unique_ptr<T, Free<free>>;

int main(int argc, char **argv) {
    promfetch_error *err = nullptr;
    Handle<promfetch_client, promfetch_client_free> client(promfetch_client_new(nullptr, &err));
    promfetch_client_wait_ready(client.get(), 10000, &err);
    const char *selector = argc > 1 ? argv[1] : "demo/dev/hello";
    Handle<promfetch_targets, promfetch_targets_free> targets(promfetch_discover(client.get(), selector, &err));
    Handle<promfetch_error, promfetch_error_free> error(err);
    for (std::size_t i = 0; i < promfetch_targets_count(targets.get()); i++)
        std::cout << promfetch_targets_label(targets.get(), i, "__address__", nullptr) << '\n';
    if (error) std::cerr << promfetch_error_message(error.get()) << '\n';
    return error ? 1 : 0;
}
