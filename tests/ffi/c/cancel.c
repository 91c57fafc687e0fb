/* Calls that end early: cancelled from another thread, before they begin, and because their client is freed. */
#define _GNU_SOURCE
#include "check.h"
#include "listener.h"
#include "process.h"
#include <pthread.h>

struct fetch {
    const promfetch_client *client;
    const promfetch_request *request;
    int stream;
    uint32_t code;
};

static void *fetching(void *argument) {
    struct fetch *fetch = argument;
    promfetch_error *err = NULL;
    if (fetch->stream) CHECK(promfetch_stream_open(fetch->client, fetch->request, &err) == NULL);
    else CHECK(promfetch_fetch_request(fetch->client, fetch->request, &err) == NULL);
    fetch->code = promfetch_error_code(err);
    promfetch_error_free(err);
    return NULL;
}

static promfetch_error *err;
static char address[32];

static promfetch_client *client(void) {
    const char *const apps[][2] = {{"hanging", address}};
    return client_of(1, apps);
}

static void by_request(int listening, int stream) {
    promfetch_client *c = client();
    promfetch_request *r = promfetch_request_new("org/space/hanging", &err);
    promfetch_request *other = promfetch_request_new("org/space/hanging", &err);
    promfetch_request_set(other, "timeout", "2s", &err);
    struct fetch fetch = {c, r, stream, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, fetching, &fetch);
    int connection = asked(listening);
    promfetch_request_cancel(r);
    pthread_join(thread, NULL);
    CHECK(fetch.code == PROMFETCH_CANCELLED);
    close(connection);
    /* Latched: later calls end at once; calls with another request do not. */
    promfetch_request_cancel(r);
    GIVES_NULL(promfetch_fetch_request(c, r, &err), PROMFETCH_CANCELLED, NULL);
    GIVES_NULL(promfetch_stream_open(c, r, &err), PROMFETCH_CANCELLED, NULL);
    GIVES_NULL(promfetch_discover_request(c, r, &err), PROMFETCH_CANCELLED, NULL);
    GIVES_NULL(promfetch_instances_request(c, r, &err), PROMFETCH_CANCELLED, NULL);
    GIVES_NULL(promfetch_fetch_request(c, other, &err), PROMFETCH_TIMEOUT, NULL);
    promfetch_request_free(other);
    promfetch_request_free(r);
    promfetch_client_free(c);
    drain(listening); /* Whether the last one came to ask in time is the machine's business. */
}

#define CALLS 8
/* Closed and then freed, as the header says; freed at once is what a program does that was told to end. */
static void by_client(int listening, int closed) {
    promfetch_client *c = client();
    pthread_t thread[CALLS];
    struct fetch fetch[CALLS];
    int connection[CALLS];
    for (int i = 0; i < CALLS; i++) {
        promfetch_request *r = promfetch_request_new("org/space/hanging", &err);
        char path[16];
        snprintf(path, sizeof path, "/m%d", i); /* equal requests would share one connection */
        promfetch_request_set(r, "metric_path", path, &err);
        NO_ERROR(err);
        fetch[i] = (struct fetch){c, r, i % 2, 0};
        pthread_create(&thread[i], NULL, fetching, &fetch[i]);
        connection[i] = asked(listening); /* so the call is under way */
    }
    if (closed) promfetch_client_close(c);
    else promfetch_client_free(c);
    for (int i = 0; i < CALLS; i++) {
        pthread_join(thread[i], NULL);
        CHECK(fetch[i].code == PROMFETCH_CANCELLED);
        close(connection[i]);
        promfetch_request_free((promfetch_request *)fetch[i].request);
    }
    if (closed) {
        GIVES_NULL(promfetch_fetch(c, "org/space/hanging", &err), PROMFETCH_CANCELLED, NULL);
        promfetch_client_free(c);
    }
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    int listening = listener(address);
    by_request(listening, 0);
    by_request(listening, 1);
    by_client(listening, 0);
    by_client(listening, 1);
    /* Nothing of the clients is left. */
    CHECK(comes_down_to(threads, 1));
    return 0;
}
