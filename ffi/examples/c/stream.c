/* Prints the page of an app family by family, so that it is never in memory as a whole: stream [selector]. */
#include <promfetch.h>
#include <stdio.h>

int main(int argc, char **argv) {
    promfetch_error *err = NULL;
    promfetch_client *client = promfetch_client_new(NULL, &err);
    promfetch_client_wait_ready(client, 10000, &err);
    promfetch_request *request = promfetch_request_new(argc > 1 ? argv[1] : "demo/dev/hello", &err);
    promfetch_request_set(request, "timeout", "5s", &err);
    promfetch_stream *stream = promfetch_stream_open(client, request, &err);
    size_t len;
    for (const char *family; (family = promfetch_stream_next(stream, &len, &err));) fwrite(family, 1, len, stdout);
    int failed = err != NULL;
    if (failed) fprintf(stderr, "%s\n", promfetch_error_message(err));
    promfetch_stream_free(stream);
    promfetch_request_free(request);
    promfetch_client_free(client);
    promfetch_error_free(err);
    return failed;
}
