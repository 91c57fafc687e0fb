// Merges two pages that the program has already: no client, no network. Handles free themselves.
#include <iostream>
#include <memory>
#include <promfetch.h>
#include <string>

template <auto free> struct Free { template <class T> void operator()(T *handle) const { free(handle); } };
template <class T, auto free> using Handle = std::unique_ptr<T, Free<free>>;

int main() {
    promfetch_error *err = nullptr;
    Handle<promfetch_merge, promfetch_merge_free> merge(promfetch_merge_new());
    for (const std::string worker : {"a", "b"}) {
        const std::string page = "# TYPE jobs_total counter\njobs_total 3\n";
        Handle<promfetch_labels, promfetch_labels_free> labels(promfetch_labels_new());
        promfetch_labels_set(labels.get(), "worker", worker.c_str(), &err);
        promfetch_merge_add(merge.get(), labels.get(), nullptr, page.data(), page.size(), &err);
    }
    Handle<promfetch_exposition, promfetch_exposition_free> page(promfetch_merge_finish(merge.get(), &err));
    Handle<promfetch_error, promfetch_error_free> error(err);
    std::cout << (error ? promfetch_error_message(error.get()) : promfetch_exposition_data(page.get(), nullptr));
    return error ? 1 : 0;
}
