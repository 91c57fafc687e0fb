/* Many threads on one client, and two clients in one process.
   Arguments: good=, other= are addresses; threads=, rounds= are numbers. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"
#include <pthread.h>

static const promfetch_client *clients[2];
static const promfetch_request *shared;
static long rounds;

/* Each thread does everything that a client allows at once, and sees only the apps of its client. */
static void *using(void *argument) {
    long number = *(long *)argument;
    const promfetch_client *c = clients[number % 2];
    const char *own = number % 2 ? "org/space/second" : "org/space/first", *foreign = number % 2 ? "org/space/first" : "org/space/second";
    for (long i = 0; i < rounds; i++) {
        promfetch_error *err = NULL;
        promfetch_exposition *page = promfetch_fetch(c, own, &err), *same = promfetch_fetch_request(clients[0], shared, &err);
        promfetch_targets *targets = promfetch_discover(c, own, &err);
        promfetch_text *instances = promfetch_instances(c, own, &err), *snapshot = promfetch_client_snapshot(c, &err);
        promfetch_exposition *metrics = promfetch_client_metrics(c, &err);
        promfetch_call *call = promfetch_call_start(c, "api", "call", &err);
        promfetch_client_wait_ready(c, 1000, &err);
        NO_ERROR(err);
        CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "requests_total");
        CHECK(promfetch_exposition_up_count(same) == 1 && promfetch_targets_count(targets) == 1);
        GIVES_NULL(promfetch_fetch(c, foreign, &err), PROMFETCH_NOT_FOUND, NULL);
        promfetch_call_end(call);
        promfetch_text_free(snapshot);
        promfetch_text_free(instances);
        promfetch_exposition_free(metrics);
        promfetch_exposition_free(same);
        promfetch_exposition_free(page);
        promfetch_targets_free(targets);
    }
    return NULL;
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    long count = given_number("threads", 64);
    rounds = given_number("rounds", 20);
    const char *const first[][2] = {{"first", given("good")}}, *const second[][2] = {{"second", given("other")}};
    promfetch_client *one = client_of(1, first), *two = client_of(1, second);
    clients[0] = one, clients[1] = two;
    promfetch_error *err = NULL;
    promfetch_request *request = promfetch_request_new("org/space/first", &err);
    shared = request;
    pthread_t *thread = calloc((size_t)count, sizeof *thread);
    long *number = calloc((size_t)count, sizeof *number);
    for (long i = 0; i < count; i++) number[i] = i, CHECK(pthread_create(&thread[i], NULL, using, &number[i]) == 0);
    for (long i = 0; i < count; i++) pthread_join(thread[i], NULL);
    free(number);
    free(thread);
    /* The other client does not notice that one goes. */
    promfetch_client_free(one);
    promfetch_exposition *page = promfetch_fetch(two, "org/space/second", &err);
    NO_ERROR(err);
    promfetch_exposition_free(page);
    promfetch_client_free(two);
    promfetch_request_free(request);
    CHECK(comes_down_to(threads, 1));
    return 0;
}
