/* A client and instances that answer: fetch, discover, instances, streams, targets that change, own metrics.
   Arguments: good=, other=, missing= (404, but for /elsewhere), garbage=, refusing=, hanging= are addresses of instances. */
#include "check.h"

static promfetch_error *err;

static const char *address(const char *name) {
    const char *value = given(name);
    if (!value) fail(__LINE__, "the argument %s= is missing", name);
    return value;
}

static void fetching(const promfetch_client *c) {
    promfetch_exposition *page = promfetch_fetch(c, "org/space/good", &err);
    NO_ERROR(err);
    size_t len;
    const char *data = promfetch_exposition_data(page, &len);
    CHECK(strlen(data) == len);
    CHECK_CONTAINS(data, "requests_total{code=\"200\",");
    CHECK_CONTAINS(data, "app_name=\"good\"");
    CHECK_CONTAINS(data, "promfetch_up{");
    CHECK_CONTAINS(promfetch_exposition_content_type(page), "text/plain; version=0.0.4");
    CHECK(promfetch_exposition_up_count(page) == 2 && promfetch_exposition_failure_count(page) == 0);
    promfetch_exposition_free(page);
    /* One instance of two failed: a page all the same, which says so. */
    page = promfetch_fetch(c, "org/space/half", &err);
    NO_ERROR(err);
    CHECK(promfetch_exposition_up_count(page) == 1 && promfetch_exposition_failure_count(page) == 1);
    CHECK(promfetch_error_code(promfetch_exposition_failure(page, 0)) == PROMFETCH_STATUS_4XX);
    CHECK(promfetch_exposition_failure(page, 1) == NULL);
    promfetch_exposition_free(page);
    /* All failed. */
    GIVES_NULL(promfetch_fetch(c, "org/space/missing", &err), PROMFETCH_STATUS_4XX, "/metrics");
    GIVES_NULL(promfetch_fetch(c, "org/space/garbage", &err), PROMFETCH_PARSE, NULL);
    GIVES_NULL(promfetch_fetch(c, "org/space/refusing", &err), PROMFETCH_REFUSED, NULL);
}

static promfetch_request *request_of(const char *selector, const char *key, const char *value) {
    promfetch_request *r = promfetch_request_new(selector, &err);
    promfetch_request_set(r, key, value, &err);
    NO_ERROR(err);
    return r;
}

static void requests(const promfetch_client *c) {
    /* The same request can be used again. */
    promfetch_request *r = request_of("org/space/good", "instance", "1");
    promfetch_request_header(r, "x-test", "yes", &err);
    for (int i = 0; i < 3; i++) {
        promfetch_exposition *page = promfetch_fetch_request(c, r, &err);
        NO_ERROR(err);
        CHECK(promfetch_exposition_up_count(page) == 1);
        CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "index=\"1\"");
        CHECK(!strstr(promfetch_exposition_data(page, NULL), "index=\"0\""));
        promfetch_exposition_free(page);
    }
    promfetch_request_free(r);
    r = request_of("org/space/good", "instance", "7");
    GIVES_NULL(promfetch_fetch_request(c, r, &err), PROMFETCH_NOT_FOUND, NULL);
    promfetch_request_free(r);
    r = request_of("org/space/good", "only_app_metrics", "true");
    promfetch_exposition *page = promfetch_fetch_request(c, r, &err);
    NO_ERROR(err);
    CHECK(!strstr(promfetch_exposition_data(page, NULL), "promfetch_up"));
    promfetch_exposition_free(page);
    promfetch_request_free(r);
    r = request_of("org/space/good", "format", "openmetrics");
    page = promfetch_fetch_request(c, r, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_content_type(page), "application/openmetrics-text");
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "# EOF\n");
    promfetch_exposition_free(page);
    promfetch_request_free(r);
    r = request_of("org/space/missing", "metric_path", "/elsewhere");
    page = promfetch_fetch_request(c, r, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "elsewhere{");
    promfetch_exposition_free(page);
    promfetch_request_free(r);
    r = request_of("org/space/missing", "all_failed", "page");
    page = promfetch_fetch_request(c, r, &err);
    NO_ERROR(err);
    CHECK(promfetch_exposition_up_count(page) == 0 && promfetch_exposition_failure_count(page) == 1);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "promfetch_up{");
    promfetch_exposition_free(page);
    promfetch_request_free(r);
    r = request_of("org/space/hanging", "timeout", "2s");
    GIVES_NULL(promfetch_fetch_request(c, r, &err), PROMFETCH_TIMEOUT, NULL);
    promfetch_request_free(r);
    r = request_of("org/space/good", "process_type", "worker");
    GIVES_NULL(promfetch_fetch_request(c, r, &err), PROMFETCH_NOT_FOUND, NULL);
    promfetch_request_free(r);
}

static void discovering(const promfetch_client *c) {
    promfetch_targets *t = promfetch_discover(c, "org/space/good", &err);
    NO_ERROR(err);
    CHECK(promfetch_targets_count(t) == 2);
    size_t len = 0;
    const char *value = promfetch_targets_label(t, 0, "__address__", &len);
    CHECK(!strcmp(value, address("good")) && len == strlen(value));
    CHECK(!strcmp(promfetch_targets_label(t, 1, "__address__", NULL), address("other")));
    CHECK(!strcmp(promfetch_targets_label(t, 0, "app_name", NULL), "good"));
    CHECK(!strcmp(promfetch_targets_label(t, 0, "__scheme__", NULL), "http"));
    CHECK(!strcmp(promfetch_targets_label(t, 0, "__metrics_path__", NULL), "/metrics"));
    CHECK(promfetch_targets_label(t, 0, "no_such_label", &len) == NULL && len == 0);
    CHECK(promfetch_targets_label(t, 0, NULL, NULL) == NULL && promfetch_targets_label(t, 0, "\xff", NULL) == NULL);
    CHECK(promfetch_targets_label(t, 2, "app_name", NULL) == NULL && promfetch_targets_label(t, SIZE_MAX, "app_name", NULL) == NULL);
    size_t labels = promfetch_targets_label_count(t, 0);
    CHECK(labels >= 9 && promfetch_targets_label_count(t, 2) == 0);
    for (size_t j = 0; j < labels; j++) {
        const char *name = promfetch_targets_label_name(t, 0, j, &len);
        CHECK(name && strlen(name) == len);
        value = promfetch_targets_label_value(t, 0, j, NULL);
        CHECK(value && !strcmp(value, promfetch_targets_label(t, 0, name, NULL)));
    }
    CHECK(promfetch_targets_label_name(t, 0, labels, NULL) == NULL && promfetch_targets_label_value(t, 0, labels, NULL) == NULL);
    CHECK(promfetch_targets_label_name(t, 9, 0, NULL) == NULL && promfetch_targets_label_value(t, 0, SIZE_MAX, NULL) == NULL);
    promfetch_targets_free(t);
    promfetch_request *r = request_of("org/space/good", "instance", "1");
    t = promfetch_discover_request(c, r, &err);
    NO_ERROR(err);
    CHECK(promfetch_targets_count(t) == 1 && !strcmp(promfetch_targets_label(t, 0, "index", NULL), "1"));
    promfetch_targets_free(t);
    promfetch_text *text = promfetch_instances_request(c, r, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_text_data(text, NULL), address("other"));
    promfetch_text_free(text);
    promfetch_request_free(r);
    text = promfetch_instances(c, "org/space/half", &err);
    NO_ERROR(err);
    const char *json = promfetch_text_data(text, &len);
    CHECK(strlen(json) == len && *json == '[');
    CHECK_CONTAINS(json, address("missing"));
    CHECK_CONTAINS(json, "404");
    promfetch_text_free(text);
}

static void streaming(const promfetch_client *c) {
    promfetch_request *r = request_of("org/space/half", "only_app_metrics", "true");
    promfetch_stream *s = promfetch_stream_open(c, r, &err);
    NO_ERROR(err);
    CHECK(promfetch_stream_up_count(s) == 1 && promfetch_stream_failure_count(s) == 1);
    CHECK(promfetch_error_code(promfetch_stream_failure(s, 0)) == PROMFETCH_STATUS_4XX && promfetch_stream_failure(s, 1) == NULL);
    CHECK_CONTAINS(promfetch_stream_content_type(s), "text/plain");
    int families = 0;
    size_t len;
    for (const char *part; (part = promfetch_stream_next(s, &len, &err)); families++) CHECK(strlen(part) == len && !strncmp(part, "# HELP", 6));
    NO_ERROR(err);
    CHECK(families == 3);
    promfetch_stream_free(s);
    promfetch_request_free(r);
    r = promfetch_request_new("org/space/missing", &err);
    GIVES_NULL(promfetch_stream_open(c, r, &err), PROMFETCH_STATUS_4XX, NULL);
    promfetch_request_free(r);
}

static void calls_and_snapshot(const promfetch_client *c) {
    promfetch_call *call = promfetch_call_start(c, "some api", "a call", &err);
    NO_ERROR(err);
    promfetch_exposition *page = promfetch_client_metrics(c, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "promfetch_calls_started_total{api=\"some api\",call=\"a call\"} 1\n");
    CHECK_CONTAINS(promfetch_exposition_content_type(page), "text/plain; version=0.0.4");
    promfetch_exposition_free(page);
    promfetch_call_end(call);
    CHECK(promfetch_call_increment(c, "some api", "a call", &err) == PROMFETCH_OK);
    page = promfetch_client_metrics(c, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "promfetch_calls_started_total{api=\"some api\",call=\"a call\"} 2\n");
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "promfetch_call_duration_seconds_count{api=\"some api\",call=\"a call\"} 1\n");
    promfetch_exposition_free(page);
    promfetch_text *text = promfetch_client_snapshot(c, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_text_data(text, NULL), "\"ready\":true");
    CHECK_CONTAINS(promfetch_text_data(text, NULL), "\"sources\":[");
    CHECK_CONTAINS(promfetch_text_data(text, NULL), "\"routes\":{");
    promfetch_text_free(text);
}

/* Targets replaced while the client runs, with what only this list can say. */
static void changing_targets(const promfetch_client *c) {
    char json[1024];
    int len = snprintf(json, sizeof json, "[{\"app\":\"new\",\"address\":\"%s\",\"routes\":[\"shop\"],\"path\":\"/metrics\",\"headers\":{\"x-a\":\"b\"},"
                       "\"labels\":{\"zone\":\"z1\"},\"timeout\":\"5s\"}]", address("good"));
    CHECK(promfetch_client_set_targets(c, json, (size_t)len, &err) == PROMFETCH_OK);
    NO_ERROR(err);
    promfetch_exposition *page = promfetch_fetch(c, "shop", &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "zone=\"z1\"");
    promfetch_exposition_free(page);
    GIVES_NULL(promfetch_fetch(c, "org/space/good", &err), PROMFETCH_NOT_FOUND, NULL);
    /* One wrong target: nothing changes. */
    len = snprintf(json, sizeof json, "[{\"app\":\"a\",\"address\":\"%s\"},{\"app\":\"b\"}]", address("good"));
    CHECK(promfetch_client_set_targets(c, json, (size_t)len, NULL) != PROMFETCH_OK);
    page = promfetch_fetch(c, "shop", &err);
    NO_ERROR(err);
    promfetch_exposition_free(page);
    CHECK(promfetch_client_set_targets(c, "[]", 2, &err) == PROMFETCH_OK);
    GIVES_NULL(promfetch_fetch(c, "shop", &err), PROMFETCH_NOT_FOUND, NULL);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    const char *const apps[][2] = {{"good", address("good")}, {"good", address("other")}, {"half", address("good")}, {"half", address("missing")},
                                   {"missing", address("missing")}, {"garbage", address("garbage")}, {"refusing", address("refusing")},
                                   {"hanging", address("hanging")}};
    promfetch_client *c = client_of(sizeof apps / sizeof *apps, apps);
    fetching(c);
    requests(c);
    discovering(c);
    streaming(c);
    calls_and_snapshot(c);
    promfetch_exposition *page = promfetch_fetch(c, "org/space/good", &err);
    promfetch_targets *targets = promfetch_discover(c, "org/space/good", &err);
    promfetch_request *r = promfetch_request_new("org/space/good", &err);
    promfetch_stream *stream = promfetch_stream_open(c, r, &err);
    promfetch_call *call = promfetch_call_start(c, "api", "call", &err);
    NO_ERROR(err);
    changing_targets(c);
    promfetch_client_free(c);
    /* What it has given stays when it has gone. */
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "requests_total");
    CHECK(promfetch_targets_label(targets, 1, "app_name", NULL) != NULL);
    CHECK(promfetch_stream_next(stream, NULL, &err) != NULL);
    NO_ERROR(err);
    promfetch_call_end(call);
    promfetch_stream_free(stream);
    promfetch_request_free(r);
    promfetch_targets_free(targets);
    promfetch_exposition_free(page);
    return 0;
}
