/* Merge without I/O: labels, formats, borrowed pages, streams, pages that are none. */
#include "check.h"

static promfetch_error *err;
static int releases;
static void release(void *user) { ++*(int *)user; }

static void add(promfetch_merge *m, const char *label, const char *page) {
    promfetch_labels *labels = promfetch_labels_new();
    promfetch_labels_set(labels, "index", label, &err);
    promfetch_merge_add(m, labels, NULL, page, strlen(page), &err);
    promfetch_labels_free(labels);
    NO_ERROR(err);
}

static void two_pages(void) {
    promfetch_merge *m = promfetch_merge_new();
    const char *want = "# TYPE a counter\na{index=\"0\"} 1\na{index=\"1\"} 2\n";
    for (int again = 0; again < 3; again++) { /* finish leaves it empty, to be used again */
        add(m, "0", "# TYPE a counter\na 1\n");
        add(m, "1", "# TYPE a counter\na 2\n");
        promfetch_exposition *page = promfetch_merge_finish(m, &err);
        NO_ERROR(err);
        size_t len;
        const char *data = promfetch_exposition_data(page, &len);
        CHECK(!strcmp(data, want) && len == strlen(want));
        CHECK(!strncmp(promfetch_exposition_content_type(page), "text/plain; version=0.0.4", 25));
        CHECK(promfetch_exposition_up_count(page) == 2 && promfetch_exposition_failure_count(page) == 0);
        CHECK(promfetch_exposition_failure(page, 0) == NULL);
        promfetch_exposition_free(page);
    }
    promfetch_merge_free(m);
}

static void streamed(void) {
    promfetch_merge *m = promfetch_merge_new();
    char whole[512] = "";
    add(m, "0", "# HELP a Help.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n");
    add(m, "1", "# TYPE b gauge\nb 2\n# TYPE c gauge\nc 3\n");
    promfetch_stream *s = promfetch_merge_stream(m, &err);
    NO_ERROR(err);
    CHECK(promfetch_stream_up_count(s) == 2 && promfetch_stream_failure_count(s) == 0);
    CHECK_CONTAINS(promfetch_stream_content_type(s), "text/plain");
    int families = 0;
    size_t len;
    for (const char *part; (part = promfetch_stream_next(s, &len, &err)); families++) {
        CHECK(strlen(part) == len && len > 0);
        strcat(whole, part);
    }
    NO_ERROR(err);
    CHECK(len == 0 && families == 3);
    CHECK(promfetch_stream_next(s, NULL, &err) == NULL); /* the end stays the end */
    NO_ERROR(err);
    CHECK(!strcmp(whole, "# HELP a Help.\n# TYPE a counter\na{index=\"0\"} 1\n# TYPE b gauge\nb{index=\"0\"} 1\nb{index=\"1\"} 2\n# TYPE c gauge\nc{index=\"1\"} 3\n"));
    promfetch_stream_free(s);
    /* One that nobody reads to its end, and whose merge goes first. */
    add(m, "0", "a 1\nb 1\n");
    s = promfetch_merge_stream(m, &err);
    promfetch_merge_free(m);
    CHECK(promfetch_stream_next(s, NULL, &err) != NULL);
    NO_ERROR(err);
    promfetch_stream_free(s);
}

static void formats(void) {
    promfetch_merge *m = promfetch_merge_new();
    CHECK(promfetch_merge_set(m, "format", "openmetrics", &err) == PROMFETCH_OK);
    add(m, "0", "# TYPE a_total counter\na_total 1\n");
    FAILS(promfetch_merge_set(m, "format", "text", &err), PROMFETCH_INVALID_ARGUMENT, NULL); /* only before the first add */
    promfetch_exposition *page = promfetch_merge_finish(m, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_content_type(page), "application/openmetrics-text");
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "a_total{index=\"0\"} 1");
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "# EOF\n");
    promfetch_exposition_free(page);
    /* The setting is still there, and the merge is before its first add again. */
    CHECK(promfetch_merge_set(m, "format", "protobuf", &err) == PROMFETCH_OK);
    add(m, "0", "# TYPE a counter\na 1\n");
    page = promfetch_merge_finish(m, &err);
    NO_ERROR(err);
    size_t len;
    const char *data = promfetch_exposition_data(page, &len);
    CHECK_CONTAINS(promfetch_exposition_content_type(page), "application/vnd.google.protobuf");
    CHECK(len > 10 && data[len] == 0);
    /* In again, with its content type. */
    promfetch_merge *back = promfetch_merge_new();
    CHECK(promfetch_merge_add(back, NULL, promfetch_exposition_content_type(page), data, len, &err) == PROMFETCH_OK);
    promfetch_exposition_free(page);
    promfetch_merge_set(back, "accept", "text/plain", NULL);
    page = promfetch_merge_finish(back, &err);
    NO_ERROR(err);
    CHECK(promfetch_exposition_up_count(page) == 1);
    promfetch_exposition_free(page);
    promfetch_merge_free(back);
    promfetch_merge_free(m);
}

static void bad_pages(void) {
    promfetch_merge *m = promfetch_merge_new();
    promfetch_merge_set(m, "max_samples", "2", &err);
    promfetch_merge_set(m, "max_line", "256", &err);
    NO_ERROR(err);
    add(m, "0", "a 1\n");
    const char many[] = "b 1\nc 1\nd 1\n", none[] = "this is { not = a metric\n";
    char line[400] = "a{b=\"", *end = line + sizeof line;
    memset(line + 5, 'x', sizeof line - 5);
    memcpy(end - 5, "\"} 1\n", 5);
    /* A bad page is no error of the call: whoever checks once, at the end, loses no other page. */
    CHECK(promfetch_merge_add(m, NULL, NULL, none, sizeof none - 1, &err) == PROMFETCH_PARSE);
    CHECK(promfetch_merge_add(m, NULL, NULL, many, sizeof many - 1, &err) == PROMFETCH_TOO_LARGE);
    CHECK(promfetch_merge_add(m, NULL, NULL, line, sizeof line, &err) == PROMFETCH_TOO_LARGE);
    CHECK(promfetch_merge_add(m, NULL, "text/plain", "a\0b", 3, &err) == PROMFETCH_PARSE);
    CHECK(promfetch_merge_add(m, NULL, "text/html", "<p>", 3, NULL) == PROMFETCH_PARSE);
    NO_ERROR(err);
    CHECK(promfetch_merge_failure_count(m) == 5 && promfetch_merge_failure(m, 5) == NULL);
    CHECK_CONTAINS(promfetch_error_message(promfetch_merge_failure(m, 4)), "text/html");
    /* What a server calls its page is not ours to refuse. */
    CHECK(promfetch_merge_add(m, NULL, "text/plain; \xff", "odd 1\n", 6, &err) == PROMFETCH_OK);
    CHECK(promfetch_merge_add(m, NULL, NULL, NULL, 0, &err) == PROMFETCH_OK); /* an empty page is a page */
    NO_ERROR(err);
    add(m, "1", "a 2\n");
    promfetch_exposition *page = promfetch_merge_finish(m, &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "a{index=\"0\"} 1\na{index=\"1\"} 2\n");
    CHECK(promfetch_exposition_up_count(page) == 4 && promfetch_merge_failure_count(m) == 0 && promfetch_exposition_failure_count(page) == 5);
    CHECK(promfetch_error_code(promfetch_exposition_failure(page, 0)) == PROMFETCH_PARSE);
    CHECK(promfetch_error_code(promfetch_exposition_failure(page, 1)) == PROMFETCH_TOO_LARGE);
    CHECK(*promfetch_error_message(promfetch_exposition_failure(page, 4)) != 0);
    CHECK(promfetch_exposition_failure(page, 5) == NULL && promfetch_exposition_failure(page, SIZE_MAX) == NULL);
    promfetch_exposition_free(page);
    promfetch_merge_free(m);
}

/* A label value may hold a NUL; the text before it is not all. */
static void nul_inside(void) {
    promfetch_merge *m = promfetch_merge_new();
    const char data[] = "a{b=\"x\0y\"} 1\n";
    promfetch_merge_add(m, NULL, "text/plain; version=0.0.4", data, sizeof data - 1, NULL);
    promfetch_exposition *page = promfetch_merge_finish(m, &err);
    NO_ERROR(err);
    size_t len;
    const char *text = promfetch_exposition_data(page, &len);
    CHECK(text[len] == 0);
    CHECK(promfetch_exposition_up_count(page) + promfetch_exposition_failure_count(page) == 1);
    if (promfetch_exposition_up_count(page)) CHECK(strlen(text) < len);
    promfetch_exposition_free(page);
    promfetch_merge_free(m);
}

/* Each page is given back exactly once, however the call and the merge end. */
static void borrowed(void) {
    const char page[] = "# TYPE a counter\na 1\n", none[] = "{";
    promfetch_merge *m = promfetch_merge_new();
#define BORROW(merge, data, len) promfetch_merge_add_borrowed(merge, NULL, NULL, data, len, release, &releases, &err)
    CHECK(BORROW(m, page, sizeof page - 1) == PROMFETCH_OK);
    CHECK(releases == 0);
    promfetch_exposition_free(promfetch_merge_finish(m, &err));
    CHECK(releases == 1);
    CHECK(BORROW(m, none, sizeof none - 1) == PROMFETCH_PARSE);
    NO_ERROR(err);
    CHECK(releases == 2);
    FAILS(BORROW(NULL, page, sizeof page - 1), PROMFETCH_INVALID_ARGUMENT, NULL);
    CHECK(releases == 3);
    FAILS(BORROW(m, NULL, 5), PROMFETCH_INVALID_ARGUMENT, NULL);
    CHECK(releases == 4);
    FAILS(BORROW(m, page, SIZE_MAX), PROMFETCH_INVALID_ARGUMENT, NULL);
    CHECK(releases == 5);
    CHECK(promfetch_merge_set(m, "nonsense", "", &err) != PROMFETCH_OK); /* sticky: the call does nothing, but gives back */
    CHECK(BORROW(m, page, sizeof page - 1) == promfetch_error_code(err));
    CHECK(releases == 6);
    promfetch_error_free(err), err = NULL;
    CHECK(BORROW(m, page, sizeof page - 1) == PROMFETCH_OK);
    promfetch_merge_free(m); /* never finished */
    CHECK(releases == 7);
    m = promfetch_merge_new();
    CHECK(BORROW(m, page, sizeof page - 1) == PROMFETCH_OK);
    promfetch_exposition_free(promfetch_merge_finish(m, &err));
    CHECK(releases == 8);
    CHECK(BORROW(m, page, sizeof page - 1) == PROMFETCH_OK);
    promfetch_stream *s = promfetch_merge_stream(m, &err);
    promfetch_merge_free(m);
    CHECK(releases == 8); /* the stream still reads it */
    CHECK_CONTAINS(promfetch_stream_next(s, NULL, &err), "a 1\n");
    promfetch_stream_free(s);
    CHECK(releases == 9);
    m = promfetch_merge_new();
    CHECK(promfetch_merge_add_borrowed(m, NULL, NULL, page, sizeof page - 1, NULL, NULL, &err) == PROMFETCH_OK);
    promfetch_exposition_free(promfetch_merge_finish(m, &err));
    promfetch_merge_free(m);
    NO_ERROR(err);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    two_pages();
    streamed();
    formats();
    bad_pages();
    nul_inside();
    borrowed();
    return 0;
}
