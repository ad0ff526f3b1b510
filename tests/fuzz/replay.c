/* SPDX-License-Identifier: MIT */
/*
 * Replays the kept inputs of one fuzz target: replay FILE. A line is an input, percent-encoded (%0A
 * is a line feed, %25 a percent sign); one that begins with # is a comment. The inputs run in a
 * child, so that one that kills it is named, by its line, and the next ones are replayed too.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES_MAX = 100000 };

static int hex(char c)
{
    const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Decodes in place. False: a percent sign stands before something else than two digits. */
static bool decode(char *line, size_t *n)
{
    size_t i, to = 0;

    for (i = 0; i < *n; i++) {
        if (line[i] == '%') {
            if (i + 2 >= *n || hex(line[i + 1]) < 0 || hex(line[i + 2]) < 0)
                return false;
            line[to++] = (char)(hex(line[i + 1]) * 16 + hex(line[i + 2]));
            i += 2;
        } else {
            line[to++] = line[i];
        }
    }
    *n = to;
    return true;
}

static void run(char *line, size_t n)
{
    struct str text = {line, n};
    char *exact = fuzz_exact(text);

    (void)LLVMFuzzerTestOneInput((const uint8_t *)exact, n);
    free(exact);
}

/* Runs the lines behind `from`; *at is the one that is being run. Returns how many inputs ran. */
static size_t run_file(const char *path, size_t from, volatile size_t *at)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0, ran = 0, number = 0, n;
    ssize_t got;

    MUST(f);
    while ((got = getline(&line, &room, f)) >= 0) {
        n = (size_t)got - (line[got - 1] == '\n');
        if (++number <= from || line[0] == '#')
            continue;
        *at = number;
        MUST(decode(line, &n));
        run(line, n);
        ran++;
    }
    free(line);
    MUST(fclose(f) == 0);
    return ran;
}

struct shared {
    volatile size_t at, ran;
};

/* A child runs the lines behind `from`. True: to the end. */
static bool run_child(const char *path, size_t from, struct shared *shared)
{
    pid_t child = fork();
    int status = -1;

    MUST(child >= 0);
    if (child == 0) {
        shared->ran += run_file(path, from, &shared->at);
        exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        MUST(errno == EINTR);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t failed = 0, from = 0;

    MUST(argc == 2 && shared != MAP_FAILED);
    while (failed < LINES_MAX && !run_child(argv[1], from, shared)) {
        fprintf(stderr, "%s:%zu: this input broke it\n", argv[1], shared->at);
        failed++;
        if (shared->at == from) /* not an input: what is wrong shows at the end, as a leak does */
            break;
        from = shared->at;
    }
    printf("%s: %zu inputs%s\n", argv[1], shared->ran, failed ? ", FAILED" : "");
    return failed || shared->ran == 0 ? 1 : 0;
}
