/* Made and freed again and again: memory, threads and descriptors stay what they were.
   Arguments: good= is the address of an instance; rounds=, idle=, clients= are numbers; flat=0 where something else keeps
   freed memory, as valgrind does. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"

static promfetch_error *err;
static void log_line(void *user, uint32_t level, const char *message, size_t len) { (void)user, (void)level, (void)message, (void)len; }

/* Everything that needs no client. */
static void small_handles(void) {
    promfetch_options *o = promfetch_options_new();
    promfetch_options_set(o, "extra_labels", "{\"foundation\":\"eu-1\"}", &err);
    promfetch_options_set(o, "gorouters[0].host", "127.0.0.1", &err);
    promfetch_options_log(o, 3, log_line, NULL, NULL, &err);
    promfetch_options_free(o);
    promfetch_request *r = promfetch_request_new("org/space/app", &err);
    promfetch_request_set(r, "timeout", "2s", &err);
    promfetch_request_header(r, "x-a", "b", &err);
    promfetch_request_cancel(r);
    promfetch_request_free(r);
    promfetch_labels *l = promfetch_labels_new();
    promfetch_labels_set(l, "index", "0", &err);
    promfetch_merge *m = promfetch_merge_new();
    for (int i = 0; i < 2; i++) {
        const char page[] = "# HELP a Help.\n# TYPE a counter\na{b=\"c\"} 1\na{b=\"d\"} 2\n# TYPE e gauge\ne 3\n";
        promfetch_merge_add(m, l, NULL, page, sizeof page - 1, &err);
        promfetch_merge_add_borrowed(m, l, "text/plain", page, sizeof page - 1, NULL, NULL, &err);
        promfetch_merge_add(m, l, NULL, "{", 1, NULL);
        if (i) {
            promfetch_stream *s = promfetch_merge_stream(m, &err);
            while (promfetch_stream_next(s, NULL, &err)) {}
            promfetch_stream_free(s);
        } else promfetch_exposition_free(promfetch_merge_finish(m, &err));
    }
    promfetch_merge_free(m);
    promfetch_labels_free(l);
    NO_ERROR(err);
    GIVES_NULL(promfetch_fetch(NULL, "x", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
}

/* A client that starts, is asked, and ends. */
static void client(void) {
    const char *const apps[][2] = {{"good", given("good")}};
    promfetch_client *c = client_of(1, apps);
    promfetch_exposition_free(promfetch_fetch(c, "org/space/good", &err));
    promfetch_targets_free(promfetch_discover(c, "org/space/good", &err));
    promfetch_text_free(promfetch_client_snapshot(c, &err));
    promfetch_exposition_free(promfetch_client_metrics(c, &err));
    promfetch_call_end(promfetch_call_start(c, "api", "call", &err));
    NO_ERROR(err);
    promfetch_client_free(c);
}

/* A client that does nothing but be there. */
static void idle_client(void) { promfetch_client_free(client_of(0, NULL)); }

static void rounds(const char *what, void (*once)(void), long count, long warm, long slack) {
    long memory = 0;
    for (long i = 0; i < count; i++) {
        if (i == warm) memory = resident();
        once();
    }
    long grown = count > warm ? resident() - memory : 0;
    fprintf(stderr, "%s: %ld rounds, then %ld more in %ld KiB\n", what, warm, count - warm, grown);
    if (!given_number("flat", 1) || grown <= slack) return;
    fail(__LINE__, "%s: %ld rounds more cost %ld KiB, more than %ld", what, count - warm, grown, slack);
}

/* Requests on one client: what it remembers of its calls must not grow with them. */
static promfetch_client *lasting;
static void fetch(void) {
    promfetch_exposition_free(promfetch_fetch(lasting, "org/space/good", &err));
    promfetch_request *r = promfetch_request_new("org/space/good", &err);
    promfetch_stream_free(promfetch_stream_open(lasting, r, &err));
    promfetch_request_free(r);
    NO_ERROR(err);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    long count = given_number("rounds", 10000), idle = given_number("idle", 2000), clients = given_number("clients", 300);
    long before = descriptors();
    rounds("small handles", small_handles, count, count / 10, 2048);
    CHECK(threads() == 1 && descriptors() == before);
    /* The first client of a process may open what all later ones share. */
    client();
    before = descriptors();
    rounds("idle clients", idle_client, idle, idle / 10, 4096);
    rounds("clients", client, clients, clients / 10, 4096);
    const char *const apps[][2] = {{"good", given("good")}};
    lasting = client_of(1, apps);
    rounds("fetches", fetch, count / 5, count / 50, 4096);
    promfetch_client_free(lasting);
    CHECK(comes_down_to(threads, 1));
    CHECK(comes_down_to(descriptors, before));
    return 0;
}
