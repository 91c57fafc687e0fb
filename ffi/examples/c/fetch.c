/* Prints the metrics of all instances of an app as one page: fetch [selector]. The environment says where the routing
   table is, such as PROMFETCH_GOROUTERS__0__HOST. */
#include <promfetch.h>
#include <stdio.h>

int main(int argc, char **argv) {
    promfetch_error *err = NULL;
    promfetch_client *client = promfetch_client_new(NULL, &err);
    promfetch_client_wait_ready(client, 10000, &err);
    promfetch_exposition *page = promfetch_fetch(client, argc > 1 ? argv[1] : "demo/dev/hello", &err);
    fputs(promfetch_exposition_data(page, NULL), stdout);
    int failed = err != NULL;
    if (failed) fprintf(stderr, "%s\n", promfetch_error_message(err));
    promfetch_exposition_free(page);
    promfetch_client_free(client);
    promfetch_error_free(err);
    return failed;
}
