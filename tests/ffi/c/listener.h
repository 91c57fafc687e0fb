/* An instance that takes connections and never answers, so that a program knows when a fetch is under way. */
#ifndef LISTENER_H
#define LISTENER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Gives the descriptor, and writes the address to `address`, which has 32 bytes. */
static inline int listener(char *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 64) || getsockname(fd, (struct sockaddr *)&at, &len)) {
        perror("no listener");
        _exit(1);
    }
    snprintf(address, 32, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

/* Waits for the head of a request on a new connection, which stays open. */
static inline int asked(int fd) {
    char head[4096];
    int connection = accept(fd, NULL, NULL);
    if (connection < 0 || read(connection, head, sizeof head) <= 0) {
        perror("nobody asks");
        _exit(1);
    }
    return connection;
}

/* Takes and closes the connections of a client that is gone, so that the next one asked is not one of those. */
static inline void drain(int fd) {
    int flags = fcntl(fd, F_GETFL), connection;
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while ((connection = accept(fd, NULL, NULL)) >= 0) close(connection);
    fcntl(fd, F_SETFL, flags);
}

#endif
