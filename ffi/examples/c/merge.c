/* Merges two pages that the program has already: no client, no network. */
#include <promfetch.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const char *pages[] = {"# TYPE jobs_total counter\njobs_total 3\n", "# TYPE jobs_total counter\njobs_total 4\n"};
    promfetch_error *err = NULL;
    promfetch_merge *merge = promfetch_merge_new();
    for (int i = 0; i < 2; i++) {
        promfetch_labels *labels = promfetch_labels_new();
        promfetch_labels_set(labels, "worker", i ? "b" : "a", &err);
        promfetch_merge_add(merge, labels, "text/plain; version=0.0.4", pages[i], strlen(pages[i]), &err);
        promfetch_labels_free(labels);
    }
    promfetch_exposition *page = promfetch_merge_finish(merge, &err);
    printf("%s", err ? promfetch_error_message(err) : promfetch_exposition_data(page, NULL));
    int failed = err != NULL;
    promfetch_exposition_free(page);
    promfetch_merge_free(merge);
    promfetch_error_free(err);
    return failed;
}
