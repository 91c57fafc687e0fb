/* Prints the addresses of an app's instances, without asking them: discover [selector]. */
#include <promfetch.h>
#include <stdio.h>

int main(int argc, char **argv) {
    promfetch_error *err = NULL;
    promfetch_client *client = promfetch_client_new(NULL, &err);
    promfetch_client_wait_ready(client, 10000, &err);
    promfetch_targets *targets = promfetch_discover(client, argc > 1 ? argv[1] : "demo/dev/hello", &err);
    for (size_t i = 0; i < promfetch_targets_count(targets); i++) {
        const char *address = promfetch_targets_label(targets, i, "__address__", NULL);
        const char *index = promfetch_targets_label(targets, i, "index", NULL);
        printf("instance %s: %s\n", index ? index : "?", address);
    }
    int failed = err != NULL;
    if (failed) fprintf(stderr, "%s\n", promfetch_error_message(err));
    promfetch_targets_free(targets);
    promfetch_client_free(client);
    promfetch_error_free(err);
    return failed;
}
