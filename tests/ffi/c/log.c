/* The log: lines arrive, calls from it are refused, the finalizer is called once.
   Arguments: good=, garbage= are addresses of instances, refusing= is one where nobody listens, on 127.0.0.1. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"
#include <stdatomic.h>

static promfetch_client *client;
struct seen {
    atomic_int lines, refused, finalized;
};

static void log_line(void *user, uint32_t level, const char *message, size_t len) {
    struct seen *seen = user;
    CHECK(level >= 1 && level <= 5 && strlen(message) == len && !strchr(message, '\n'));
    CHECK(atomic_load(&seen->finalized) == 0);
    atomic_fetch_add(&seen->lines, 1);
    /* A call from here would wait for the thread that it is on. */
    promfetch_error *err = NULL;
    GIVES_NULL(promfetch_fetch(client, "org/space/good", &err), PROMFETCH_WRONG_THREAD, NULL);
    GIVES_NULL(promfetch_client_new(NULL, &err), PROMFETCH_WRONG_THREAD, NULL);
    FAILS(promfetch_client_wait_ready(client, 1, &err), PROMFETCH_WRONG_THREAD, NULL);
    atomic_fetch_add(&seen->refused, 1);
}

static void finalize(void *user) { atomic_fetch_add(&((struct seen *)user)->finalized, 1); }

static void two_clients(struct seen *seen) {
    promfetch_error *err = NULL;
    promfetch_options *o = promfetch_options_new();
    char json[256];
    snprintf(json, sizeof json, "[{\"organization\":\"org\",\"space\":\"space\",\"app\":\"good\",\"address\":\"%s\"},"
             "{\"organization\":\"org\",\"space\":\"space\",\"app\":\"garbage\",\"address\":\"%s\"}]", given("good"), given("garbage"));
    promfetch_options_set(o, "targets", json, &err);
    /* A router that is not there is worth a line, on a thread of the client's. */
    promfetch_options_set(o, "gorouters[0].host", "127.0.0.1", &err);
    promfetch_options_set(o, "gorouters[0].port", strchr(given("refusing"), ':') + 1, &err);
    promfetch_options_set(o, "start_response_delay_interval", "100ms", &err);
    promfetch_options_log(o, 5, log_line, seen, finalize, &err);
    NO_ERROR(err);
    promfetch_client *one = promfetch_client_new(o, &err), *two = promfetch_client_new(o, &err);
    NO_ERROR(err);
    client = one;
    promfetch_client_wait_ready(one, 60000, &err);
    promfetch_exposition_free(promfetch_fetch(one, "org/space/good", &err));
    NO_ERROR(err);
    GIVES_NULL(promfetch_fetch(one, "org/space/garbage", &err), PROMFETCH_PARSE, NULL);
    promfetch_options_free(o);
    for (int tries = 0; atomic_load(&seen->lines) < 2 && tries < 1000; tries++) sleep_ms(10);
    CHECK(atomic_load(&seen->lines) > 1);
    CHECK(atomic_load(&seen->finalized) == 0);
    promfetch_client_free(two);
    CHECK(atomic_load(&seen->finalized) == 0);
    promfetch_client_free(one);
    CHECK(atomic_load(&seen->finalized) == 1);
    CHECK(atomic_load(&seen->refused) == atomic_load(&seen->lines));
}

/* Options that no client is made of, a log that another replaces, and calls that fail: once for each. */
static void never_used(void) {
    struct seen first = {0}, second = {0}, failed = {0};
    promfetch_error *err = NULL;
    promfetch_options *o = promfetch_options_new();
    CHECK(promfetch_options_log(o, 3, log_line, &first, finalize, &err) == PROMFETCH_OK);
    CHECK(promfetch_options_log(o, 3, log_line, &second, finalize, &err) == PROMFETCH_OK);
    CHECK(atomic_load(&first.finalized) == 1 && atomic_load(&second.finalized) == 0);
    FAILS(promfetch_options_log(NULL, 3, log_line, &failed, finalize, &err), PROMFETCH_INVALID_ARGUMENT, "NULL");
    FAILS(promfetch_options_log(o, 9, log_line, &failed, finalize, &err), PROMFETCH_INVALID_ARGUMENT, "level");
    FAILS(promfetch_options_log(o, 0, log_line, &failed, finalize, &err), PROMFETCH_INVALID_ARGUMENT, "level");
    CHECK(atomic_load(&failed.finalized) == 3);
    CHECK(promfetch_options_log(o, 3, log_line, &second, NULL, &err) == PROMFETCH_OK);
    CHECK(atomic_load(&second.finalized) == 1);
    promfetch_options_free(o);
    CHECK(atomic_load(&first.finalized) == 1 && atomic_load(&second.finalized) == 1);
    NO_ERROR(err);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    struct seen seen = {0};
    two_clients(&seen);
    never_used();
    return 0;
}
