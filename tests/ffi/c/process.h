/* What the operating system says of this process: threads, descriptors, memory. */
#ifndef PROCESS_H
#define PROCESS_H

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static inline void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Entries of a folder: /proc/self/task has one for each thread, /proc/self/fd for each descriptor and one more. */
static inline long entries(const char *folder) {
    long count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) count += entry->d_name[0] != '.';
    if (dir) closedir(dir);
    return count;
}

static inline long threads(void) { return entries("/proc/self/task"); }
static inline long descriptors(void) { return entries("/proc/self/fd"); }

/* Threads go on for a moment after they were joined: the kernel removes them from the list a little later. */
static inline int comes_down_to(long (*count)(void), long wanted) {
    for (int tries = 0; tries < 1000; tries++) {
        if (count() <= wanted) return 1;
        sleep_ms(10);
    }
    return 0;
}

/* Memory in use, in KiB. */
static inline long resident(void) {
    long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &all, &pages) != 2) pages = 0;
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
