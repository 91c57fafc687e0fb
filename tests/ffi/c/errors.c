/* Wrong arguments that are not NULL: keys, values, UTF-8, lengths, JSON; and how errors behave. No instance is needed. */
#include "check.h"

static promfetch_error *err;
static const char broken[] = "a\xff";

static void names_and_versions(void) {
    CHECK(promfetch_abi_version() == PROMFETCH_ABI_VERSION);
    CHECK(*promfetch_version() >= '0' && *promfetch_version() <= '9');
    const struct {
        uint32_t code;
        const char *name;
    } codes[] = {{PROMFETCH_OK, "OK"}, {1, "INVALID_ARGUMENT"}, {2, "UNKNOWN_OPTION"}, {3, "INVALID_OPTION"}, {4, "WRONG_THREAD"},
                 {5, "FORKED"}, {100, "NOT_FOUND"}, {101, "NOT_READY"}, {102, "AMBIGUOUS"}, {103, "UNAVAILABLE"}, {200, "TIMEOUT"},
                 {201, "CANCELLED"}, {202, "REFUSED"}, {203, "TLS"}, {204, "GONE"}, {205, "STATUS_4XX"}, {206, "STATUS_5XX"},
                 {207, "TOO_LARGE"}, {208, "REDIRECT"}, {209, "PROTOCOL"}, {210, "SKIPPED"}, {211, "OVERLOADED"}, {300, "PARSE"},
                 {900, "PANIC"}, {6, "UNKNOWN"}, {UINT32_MAX, "UNKNOWN"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) CHECK(!strcmp(promfetch_code_name(codes[i].code), codes[i].name));
}

/* The first error stays: what comes after does nothing, and answers its code. */
static void sticky(void) {
    promfetch_options *options = promfetch_options_new();
    CHECK(promfetch_options_set(options, "no_such_key", "x", &err) == PROMFETCH_UNKNOWN_OPTION);
    promfetch_error *first = err;
    for (int i = 0; i < 100; i++) CHECK(promfetch_options_set(NULL, NULL, NULL, &err) == PROMFETCH_UNKNOWN_OPTION);
    CHECK(promfetch_options_set(options, "max_line", "1KiB", &err) == PROMFETCH_UNKNOWN_OPTION);
    CHECK(promfetch_client_new(options, &err) == NULL);
    CHECK(promfetch_request_new("shop", &err) == NULL);
    CHECK(promfetch_fetch(NULL, "shop", &err) == NULL);
    promfetch_merge *merge = promfetch_merge_new();
    CHECK(promfetch_merge_add(merge, NULL, NULL, "a 1\n", 4, &err) == PROMFETCH_UNKNOWN_OPTION);
    CHECK(promfetch_merge_finish(merge, &err) == NULL);
    CHECK(err == first);
    promfetch_error_free(err), err = NULL;
    /* The page was not added. */
    promfetch_exposition *page = promfetch_merge_finish(merge, &err);
    NO_ERROR(err);
    CHECK(promfetch_exposition_up_count(page) == 0);
    promfetch_exposition_free(page);
    promfetch_merge_free(merge);
    promfetch_options_free(options);
}

static void options(void) {
    promfetch_options *o = promfetch_options_new();
    FAILS(promfetch_options_set(o, "max_lines", "1KiB", &err), PROMFETCH_UNKNOWN_OPTION, "max_line");
    FAILS(promfetch_options_set(o, "gorouters[0].hots", "h", &err), PROMFETCH_UNKNOWN_OPTION, "host");
    FAILS(promfetch_options_set(o, "", "x", &err), PROMFETCH_UNKNOWN_OPTION, NULL);
    FAILS(promfetch_options_set(o, "broker.user", "x", &err), PROMFETCH_UNKNOWN_OPTION, NULL);
    FAILS(promfetch_options_set(o, broken, "x", &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_options_set(o, "max_line", broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    promfetch_options_free(o);
    /* A value is looked at when it is set, or when a client is made of it: either way it is INVALID_OPTION. */
    const char *const wrong[][2] = {{"max_line", "long"}, {"fetch_timeout", "2 fortnights"}, {"targets", "{"}, {"targets", "[{\"app\":1}]"},
                                    {"targets_allow", "[\"nowhere\"]"}, {"gorouters[0].port", "70000"}, {"formats[0]", "xml"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o = promfetch_options_new();
        row = wrong[i][1];
        promfetch_options_set(o, wrong[i][0], wrong[i][1], &err);
        GIVES_NULL(promfetch_client_new(o, &err), PROMFETCH_INVALID_OPTION, NULL);
        promfetch_options_free(o);
    }
}

static void requests(void) {
    row = "";
    promfetch_request *r = promfetch_request_new("org/space/app", &err);
    GIVES_NULL(promfetch_request_new(broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    GIVES_NULL(promfetch_request_new("", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    const struct {
        const char *key, *value, *says;
        uint32_t code;
    } wrong[] = {{"metric_pth", "/x", "metric_path", PROMFETCH_UNKNOWN_OPTION}, {"", "x", NULL, PROMFETCH_UNKNOWN_OPTION},
                 {broken, "x", "UTF-8", PROMFETCH_INVALID_ARGUMENT}, {"timeout", broken, "UTF-8", PROMFETCH_INVALID_ARGUMENT},
                 {"timeout", "soon", "timeout", PROMFETCH_INVALID_ARGUMENT}, {"timeout", "-1s", "timeout", PROMFETCH_INVALID_ARGUMENT},
                 {"format", "xml", "text", PROMFETCH_INVALID_ARGUMENT}, {"metric_path", "//other/path", "path", PROMFETCH_INVALID_ARGUMENT},
                 {"only_app_metrics", "perhaps", "only_app_metrics", PROMFETCH_INVALID_ARGUMENT},
                 {"all_failed", "panic", "page", PROMFETCH_INVALID_ARGUMENT}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        row = wrong[i].value, FAILS(promfetch_request_set(r, wrong[i].key, wrong[i].value, &err), wrong[i].code, wrong[i].says);
    row = "";
    FAILS(promfetch_request_header(r, "with space", "x", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    FAILS(promfetch_request_header(r, "x-name", "two\r\nlines: 1", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    FAILS(promfetch_request_header(r, broken, "x", &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    const char *const right[][2] = {{"metric_path", "/x?a=b"}, {"format", "text"}, {"format", "openmetrics"}, {"format", "protobuf"}, {"accept", "text/plain"},
                                    {"timeout", "2s"}, {"scrape_timeout", "10"}, {"process_type", "worker"}, {"instance", "0"},
                                    {"only_app_metrics", "true"}, {"authorization", "Bearer x"}, {"forwarded_for", "10.0.0.1"},
                                    {"all_failed", "page"}, {"all_failed", "error"}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) row = right[i][0], CHECK(promfetch_request_set(r, right[i][0], right[i][1], &err) == PROMFETCH_OK);
    row = "";
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) row = right[i][0], CHECK(promfetch_request_set(r, right[i][0], "", &err) == PROMFETCH_OK);
    row = "";
    for (int i = 0; i < 32; i++) CHECK(promfetch_request_header(r, "x-name", "value", &err) == PROMFETCH_OK);
    NO_ERROR(err);
    FAILS(promfetch_request_header(r, "x-name", "value", &err), PROMFETCH_INVALID_ARGUMENT, "32");
    promfetch_request_free(r);
}

static void labels_and_merges(void) {
    promfetch_labels *l = promfetch_labels_new();
    FAILS(promfetch_labels_set(l, broken, "x", &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_labels_set(l, "x", broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_labels_set(l, "", "x", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    FAILS(promfetch_labels_set(l, "__name__", "x", &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    promfetch_labels_free(l);

    promfetch_merge *m = promfetch_merge_new();
    FAILS(promfetch_merge_set(m, "formt", "text", &err), PROMFETCH_UNKNOWN_OPTION, "format");
    FAILS(promfetch_merge_set(m, "format", "xml", &err), PROMFETCH_INVALID_ARGUMENT, "text");
    FAILS(promfetch_merge_set(m, "max_samples", "-1", &err), PROMFETCH_INVALID_ARGUMENT, "max_samples");
    FAILS(promfetch_merge_set(m, "label_conflict", "both", &err), PROMFETCH_INVALID_ARGUMENT, "drop");
    FAILS(promfetch_merge_set(m, "max_line", broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_merge_add(m, NULL, NULL, "a 1\n", (size_t)PTRDIFF_MAX + 1, &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    FAILS(promfetch_merge_add(m, NULL, NULL, "a 1\n", SIZE_MAX, &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    promfetch_merge_free(m);
}

static void targets(void) {
    promfetch_client *c = client_of(0, NULL);
    const char *const wrong[] = {"", "{", "null", "{}", "[1]", "[{}]", "[{\"address\":\"x\",\"app\":\"a\"}]", "[{\"address\":\"127.0.0.1:1\"}]",
                                 "[{\"address\":\"127.0.0.1:1\",\"app\":\"a\",\"timeout\":\"soon\"}]", "[{\"address\":\"127.0.0.1:1\",\"app\":\"a\",\"adress\":1}]",
                                 "[{\"address\":\"127.0.0.1:1\",\"app\":\"a\",\"private_key\":\"none\"}]", "[] []", "\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        row = wrong[i];
        uint32_t code = promfetch_client_set_targets(c, wrong[i], strlen(wrong[i]), &err);
        if (code != PROMFETCH_INVALID_ARGUMENT && code != PROMFETCH_INVALID_OPTION && code != PROMFETCH_UNKNOWN_OPTION)
            fail(__LINE__, "%s", promfetch_code_name(code));
        check_error(__LINE__, &err, code, NULL);
    }
    FAILS(promfetch_client_set_targets(c, "[]", SIZE_MAX, &err), PROMFETCH_INVALID_ARGUMENT, NULL);
    row = "";
    CHECK(promfetch_client_set_targets(c, "[\0]", 3, &err) != PROMFETCH_OK);
    promfetch_error_free(err), err = NULL;
    GIVES_NULL(promfetch_fetch(c, "org/space/none", &err), PROMFETCH_NOT_FOUND, NULL);
    GIVES_NULL(promfetch_fetch(c, "one/two", &err), PROMFETCH_INVALID_ARGUMENT, "one/two");
    GIVES_NULL(promfetch_fetch(c, "shop.example.org/path", &err), PROMFETCH_NOT_FOUND, NULL);
    GIVES_NULL(promfetch_fetch(c, broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    GIVES_NULL(promfetch_discover(c, "org/space/none", &err), PROMFETCH_NOT_FOUND, NULL);
    GIVES_NULL(promfetch_instances(c, "org/space/none", &err), PROMFETCH_NOT_FOUND, NULL);
    GIVES_NULL(promfetch_call_start(c, broken, "x", &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    GIVES_NULL(promfetch_call_start(c, "x", broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_call_increment(c, "x", broken, &err), PROMFETCH_INVALID_ARGUMENT, "UTF-8");
    FAILS(promfetch_call_increment(c, "", "x", &err), PROMFETCH_INVALID_ARGUMENT, "1 to 128 bytes");
    promfetch_client_free(c);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    names_and_versions();
    sticky();
    options();
    requests();
    labels_and_merges();
    targets();
    return 0;
}
