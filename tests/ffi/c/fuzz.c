/* Calls the library at random: valid handles and NULL, hostile bytes, broken UTF-8, lengths that no object has.
   Whatever comes in, nothing may crash, hang or leak, and codes are known ones. A run is repeated by its seed.
   Arguments: seed=, seconds= or steps= (which wins), refusing= an address where nobody listens. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"

static uint64_t state;
static uint64_t next(void) { /* xorshift64* */
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 2685821657736338717u;
}
static size_t below(size_t limit) { return (size_t)(next() >> 16) % limit; }
static int one_in(size_t count) { return below(count) == 0; }
#define PICK(list) list[below(sizeof list / sizeof *list)]

/* Handles of each type, of which the last may stay NULL. */
#define SLOTS 6
static promfetch_options *options[SLOTS];
static promfetch_client *clients[2];
static promfetch_request *requests[SLOTS];
static promfetch_exposition *pages[SLOTS];
static promfetch_targets *targets[SLOTS];
static promfetch_text *texts[SLOTS];
static promfetch_labels *labels[SLOTS];
static promfetch_merge *merges[SLOTS];
static promfetch_stream *streams[SLOTS];
static promfetch_call *calls[SLOTS];
static promfetch_error *kept; /* an error that stays for a while, as in a program that forgets to look */

#define SLOT(list) (&list[below(sizeof list / sizeof *list)])
#define ONE_OF(list) (one_in(30) ? NULL : *SLOT(list))
#define REPLACE(list, free, made)     \
    do {                              \
        __typeof__(&list[0]) slot = SLOT(list); \
        free(*slot);                  \
        *slot = (made);               \
    } while (0)

static const char *const words[] = {
    "", "a", "org/space/app", "org/space/none", "shop", "shop.example.org/path", "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42", "%2F/%00/%zz", "//", "a/b", "text", "openmetrics",
    "protobuf", "true", "1", "-1", "0", "2s", "1ms", "9999999999999999999999", "nan", "/metrics", "*/*", "application/openmetrics-text;version=1.0.0;q=0.5", "[]", "{}", "[{}]",
    "drop", "export", "page", "error", "\xff\xfe", "\xc3", "\xf0\x9f\x92\xa9", "a\r\nb: c", "__name__", "le", "instance", "text/plain; version=0.0.4", "text/plain",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"};
static const char *const keys[] = {
    /* of options: none that makes a client look for other machines */
    "max_line", "max_samples", "max_body", "fetch_timeout", "extra_labels", "extra_labels.zone", "formats[0]", "label_conflict", "targets", "targets_allow[0]", "targets[0].app",
    "targets[1].address", "targets[99999999999].app", "[", "a[0].b", "...", "max_line[0]",
    /* of requests and merges */
    "metric_path", "format", "accept", "timeout", "scrape_timeout", "process_type", "instance", "only_app_metrics", "authorization", "forwarded_for", "all_failed"};
static const char *const documents[] = {
    "# HELP a Help.\n# TYPE a counter\na{b=\"c\"} 1\na{b=\"d\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
    "# TYPE a counter\na_total 1 # {id=\"x\"} 0.5 1\na_created 2\n# TYPE i info\ni_info{v=\"1\"} 1\n# UNIT b_bytes bytes\n# TYPE b_bytes gauge\nb_bytes 1 1.5\n# EOF\n",
    "{\"my.metric\",\"my.label\"=\"x\"} 1\n", "\x10\n\x01" "a\x12\x01" "b\x18\x00\x22\x07\x1a\x05\x09zzzz", "[{\"app\":\"a\",\"address\":\"127.0.0.1:1\",\"routes\":[\"shop\"],\"labels\":{\"z\":\"1\"}}]",
    "[{\"organization\":\"o\",\"space\":\"s\",\"app\":\"a\",\"address\":\"[::1]:1\",\"path\":\"/x\",\"headers\":{\"a\":\"b\"},\"timeout\":\"2s\",\"tls\":true,\"server_name\":\"x\"}]"};

/* A text argument: a word, a key, noise without NUL, or NULL. It is good until the next few. */
static const char *text(void) {
    static char buffers[8][64];
    static size_t turn;
    if (one_in(20)) return NULL;
    if (!one_in(4)) return PICK(words);
    char *buffer = buffers[turn++ % 8];
    size_t len = below(63);
    for (size_t i = 0; i < len; i++) buffer[i] = (char)(1 + below(255));
    buffer[len] = 0;
    return buffer;
}
static const char *key(void) { return one_in(5) ? text() : PICK(keys); }

/* A body: a document with some bytes spoilt, noise, or a pointer with a length that it does not have and that no
   object can have. */
static char body[4096];
static const char *data(size_t *len) {
    if (one_in(20)) return *len = (size_t)PTRDIFF_MAX + 1 + (one_in(2) ? below(1 << 20) : SIZE_MAX / 2 - below(9)), body;
    if (one_in(20)) return *len = one_in(2) ? 0 : 1 + below(SIZE_MAX / 2), NULL;
    *len = 0;
    for (size_t parts = 1 + below(3); parts; parts--) {
        const char *document = PICK(documents);
        size_t size = strlen(document);
        if (*len + size <= sizeof body) memcpy(body + *len, document, size), *len += size;
    }
    if (one_in(10)) for (size_t i = 0; i < *len; i++) body[i] = (char)below(256);
    for (size_t spoilt = one_in(2) ? below(4) : 0; spoilt && *len; spoilt--) body[below(*len)] = (char)below(256);
    if (one_in(4)) *len = below(*len + 1);
    return body;
}

static long lent; /* borrowed bodies that were not given back yet */
static void give_back(void *user) { free(user), lent--; }
static void log_line(void *user, uint32_t level, const char *message, size_t len) {
    CHECK(user == (void *)words && level >= 1 && level <= 5 && message[len] == 0);
}

static void check(const char *bytes, size_t len) { CHECK(bytes && bytes[len] == 0); }

static void read_everything(void) {
    size_t len, i = one_in(4) ? (size_t)next() : below(4), j = one_in(4) ? (size_t)next() : below(20);
    const promfetch_exposition *page = ONE_OF(pages);
    const char *bytes = promfetch_exposition_data(page, &len);
    check(bytes, len);
    CHECK(promfetch_exposition_content_type(page));
    promfetch_error_message(promfetch_exposition_failure(page, one_in(2) ? i : promfetch_exposition_failure_count(page) - 1));
    promfetch_exposition_up_count(page);
    const promfetch_targets *list = ONE_OF(targets);
    for (size_t count = promfetch_targets_count(list); count; count--) CHECK(promfetch_targets_label_count(list, count - 1) > 0);
    if ((bytes = promfetch_targets_label(list, i, text(), &len))) check(bytes, len);
    if ((bytes = promfetch_targets_label_name(list, i, j, &len))) check(bytes, len);
    if ((bytes = promfetch_targets_label_value(list, i, j, &len))) check(bytes, len);
    bytes = promfetch_text_data(ONE_OF(texts), &len);
    check(bytes, len);
    const promfetch_stream *stream = ONE_OF(streams);
    CHECK(promfetch_stream_content_type(stream));
    promfetch_stream_up_count(stream);
    promfetch_error_code(promfetch_stream_failure(stream, i));
    promfetch_stream_failure_count(stream);
    CHECK(promfetch_code_name((uint32_t)next()));
}

static promfetch_client *new_client(promfetch_error **err) {
    promfetch_options *o = ONE_OF(options);
    promfetch_client *client = o ? promfetch_client_new(o, err) : NULL; /* NULL would read the environment */
    if (client) CHECK(promfetch_client_wait_ready(client, 60000, err) == PROMFETCH_OK);
    return client;
}

static void step(promfetch_error **err) {
    size_t len;
    const char *bytes;
    switch (below(37)) {
    case 0: REPLACE(options, promfetch_options_free, one_in(8) ? NULL : promfetch_options_new()); break;
    case 1: case 2: promfetch_options_set(ONE_OF(options), key(), text(), err); break;
    case 3: promfetch_options_log(ONE_OF(options), (uint32_t)below(8), one_in(8) ? NULL : log_line, (void *)words, NULL, err); break;
    case 4: if (one_in(20)) REPLACE(clients, promfetch_client_free, new_client(err)); break;
    case 5: promfetch_client_wait_ready(ONE_OF(clients), below(2), err); break;
    case 6: bytes = data(&len), promfetch_client_set_targets(ONE_OF(clients), bytes, len, err); break;
    case 7: REPLACE(texts, promfetch_text_free, promfetch_client_snapshot(ONE_OF(clients), err)); break;
    case 8: REPLACE(pages, promfetch_exposition_free, promfetch_client_metrics(ONE_OF(clients), err)); break;
    case 9: REPLACE(pages, promfetch_exposition_free, promfetch_fetch(ONE_OF(clients), text(), err)); break;
    case 10: REPLACE(pages, promfetch_exposition_free, promfetch_fetch_request(ONE_OF(clients), ONE_OF(requests), err)); break;
    case 11: case 12: REPLACE(requests, promfetch_request_free, promfetch_request_new(text(), err)); break;
    case 13: case 14: promfetch_request_set(ONE_OF(requests), key(), text(), err); break;
    case 15: promfetch_request_header(ONE_OF(requests), text(), text(), err); break;
    case 16: if (one_in(10)) promfetch_request_cancel(ONE_OF(requests)); break;
    case 17: REPLACE(targets, promfetch_targets_free, promfetch_discover(ONE_OF(clients), text(), err)); break;
    case 18: REPLACE(targets, promfetch_targets_free, promfetch_discover_request(ONE_OF(clients), ONE_OF(requests), err)); break;
    case 19: REPLACE(texts, promfetch_text_free, promfetch_instances(ONE_OF(clients), text(), err)); break;
    case 20: REPLACE(texts, promfetch_text_free, promfetch_instances_request(ONE_OF(clients), ONE_OF(requests), err)); break;
    case 21: REPLACE(labels, promfetch_labels_free, promfetch_labels_new()); break;
    case 22: promfetch_labels_set(ONE_OF(labels), text(), text(), err); break;
    case 23: REPLACE(merges, promfetch_merge_free, promfetch_merge_new()); break;
    case 24: promfetch_merge_set(ONE_OF(merges), key(), text(), err); break;
    case 25: case 26: case 27: bytes = data(&len), promfetch_merge_add(ONE_OF(merges), ONE_OF(labels), one_in(2) ? NULL : text(), bytes, len, err); break;
    case 28: case 29: {
        bytes = data(&len);
        /* A copy of its own for each, so that valgrind sees who reads it too late. */
        char *copy = bytes && len <= sizeof body ? memcpy(malloc(len + 1), bytes, len) : malloc(1);
        lent++;
        promfetch_merge_add_borrowed(ONE_OF(merges), ONE_OF(labels), one_in(2) ? NULL : text(), bytes ? copy : NULL, len, give_back, copy, err);
        break;
    }
    case 30: REPLACE(pages, promfetch_exposition_free, promfetch_merge_finish(ONE_OF(merges), err)); break;
    case 31: REPLACE(streams, promfetch_stream_free, promfetch_merge_stream(ONE_OF(merges), err)); break;
    case 32: REPLACE(streams, promfetch_stream_free, promfetch_stream_open(ONE_OF(clients), ONE_OF(requests), err)); break;
    case 33: if ((bytes = promfetch_stream_next(ONE_OF(streams), &len, err))) check(bytes, len); break;
    case 34: REPLACE(calls, promfetch_call_end, promfetch_call_start(ONE_OF(clients), text(), text(), err)); break;
    case 35: promfetch_call_increment(ONE_OF(clients), text(), text(), err); break;
    default: read_everything();
    }
}

#define FREE_ALL(list, free) for (size_t i = 0; i < sizeof list / sizeof *list; i++) free(list[i])

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    state = (uint64_t)given_number("seed", 1) * 2 + 1;
    long steps = given_number("steps", 0), taken = 0;
    time_t end = time(NULL) + given_number("seconds", 1);
    const char *const apps[][2] = {{"app", given("refusing")}};
    clients[0] = client_of(1, apps);
    while (steps ? taken < steps : time(NULL) < end) {
        promfetch_error *err = NULL;
        promfetch_error **slot = one_in(10) ? NULL : one_in(20) ? &kept : &err;
        step(slot);
        uint32_t code = promfetch_error_code(err);
        if (code) {
            CHECK(strcmp(promfetch_code_name(code), "UNKNOWN") && code != PROMFETCH_PANIC);
            CHECK(*promfetch_error_message(err));
            promfetch_error_free(err);
        }
        CHECK(promfetch_error_code(kept) != PROMFETCH_PANIC);
        if (kept && one_in(50)) promfetch_error_free(kept), kept = NULL;
        taken++;
    }
    promfetch_error_free(kept);
    FREE_ALL(options, promfetch_options_free);
    FREE_ALL(requests, promfetch_request_free);
    FREE_ALL(pages, promfetch_exposition_free);
    FREE_ALL(targets, promfetch_targets_free);
    FREE_ALL(texts, promfetch_text_free);
    FREE_ALL(labels, promfetch_labels_free);
    FREE_ALL(merges, promfetch_merge_free);
    FREE_ALL(clients, promfetch_client_free);
    FREE_ALL(streams, promfetch_stream_free);
    FREE_ALL(calls, promfetch_call_end);
    CHECK(lent == 0);
    CHECK(comes_down_to(threads, 1));
    fprintf(stderr, "%ld steps\n", taken);
    return 0;
}
