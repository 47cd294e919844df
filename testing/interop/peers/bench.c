// libzmq's side of the benchmarks: bench MODE SIZE COUNT PEERS prints one line, messages per second or microseconds.
//
//	pubsub pushpull          COUNT messages of three frames over tcp; pubsub to PEERS subscribers, counted once for each
//	inproc-pushpull inproc-pair                                      the same inside the process
//	echo                     COUNT round trips DEALER to ROUTER, 100 under way, beside PEERS-1 idle DEALERs
//	reqrep                   COUNT round trips one by one: p50 and p99
//	idle                     resident bytes for each end of PEERS connections that do nothing
//
// Each side, and each subscriber, has a thread. The sides have a context each, hence an I/O thread each: sharing one halves the rate of small
// messages over tcp and changes little else.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { in_flight = 100, topic_size = 11, envelope_size = 32 };

static const char *mode, *endpoint = "tcp://127.0.0.1:*";
static size_t size;
static long count, peers;
static void *here, *there; // contexts: the thread that measures, and the others

static void *must(void *p, const char *what) {
	if (p == NULL) {
		fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
		exit(1);
	}
	return p;
}

static int check(int rc, const char *what) {
	must(rc < 0 ? NULL : (void *)1, what);
	return rc;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *open_socket(void *context, int type) {
	void *s = must(zmq_socket(context, type), "socket");
	int linger = 0;
	check(zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger), "linger");
	return s;
}

static void *listening(int type) {
	static char bound[256];
	void *s = open_socket(here, type);
	size_t n = sizeof bound;
	check(zmq_bind(s, endpoint), "bind");
	check(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, bound, &n), "last endpoint");
	endpoint = bound;
	return s;
}

static void *connected(int type) {
	void *s = open_socket(there, type);
	if (type == ZMQ_SUB)
		check(zmq_setsockopt(s, ZMQ_SUBSCRIBE, "bench.", 6), "subscribe");
	check(zmq_connect(s, endpoint), "connect");
	return s;
}

// receive takes all frames of a message and returns the last one's size.
static size_t receive(void *s, zmq_msg_t *m) {
	do
		check(zmq_msg_recv(m, s, 0), "recv");
	while (zmq_msg_more(m));
	return zmq_msg_size(m);
}

static void send_three(void *s, const char *payload) {
	static const char envelope[envelope_size];
	check(zmq_send(s, "bench.topic", topic_size, ZMQ_SNDMORE), "send");
	check(zmq_send(s, envelope, sizeof envelope, ZMQ_SNDMORE), "send");
	check(zmq_send(s, payload, size, 0), "send");
}

// take is the thread of a receiver: a message that says all is connected, then those that are measured.
static void *take(void *s) {
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (long i = 0; i < count; i++)
		if (receive(s, &m) != size) {
			fprintf(stderr, "message of %zu bytes\n", zmq_msg_size(&m));
			exit(1);
		}
	zmq_msg_close(&m);
	return NULL;
}

static void stream(int from, int to) {
	pthread_t *threads = must(calloc((size_t)peers, sizeof *threads), "memory");
	char *payload = must(calloc(1, size), "memory");
	void *s = listening(from), **receivers = must(calloc((size_t)peers, sizeof *receivers), "memory");
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (long i = 0; i < peers; i++)
		receivers[i] = connected(to);
	if (from == ZMQ_XPUB) {
		int on = 1; // wait instead of dropping
		check(zmq_setsockopt(s, ZMQ_XPUB_NODROP, &on, sizeof on), "nodrop");
		check(zmq_setsockopt(s, ZMQ_XPUB_VERBOSE, &on, sizeof on), "verbose");
		for (long i = 0; i < peers; i++)
			receive(s, &m);
	} else { // one message through tells that the connection is there
		send_three(s, payload);
		receive(receivers[0], &m);
	}
	double start = now();
	for (long i = 0; i < peers; i++)
		pthread_create(&threads[i], NULL, take, receivers[i]);
	for (long i = 0; i < count; i++)
		send_three(s, payload);
	for (long i = 0; i < peers; i++)
		pthread_join(threads[i], NULL);
	printf("%.0f\n", (double)(count * peers) / (now() - start));
}

static void *echoing;

// echo is the ROUTER's thread, and the REP's.
static void *echo(void *s) {
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (;;) {
		if (zmq_msg_recv(&m, s, 0) < 0)
			return NULL;
		check(zmq_msg_send(&m, s, zmq_msg_more(&m) ? ZMQ_SNDMORE : 0), "send"); // takes the content along
	}
}

static void start_echo(void *s) {
	static pthread_t thread;
	echoing = s;
	pthread_create(&thread, NULL, echo, s);
}

static void round_trips(void) {
	void *router = listening(ZMQ_ROUTER);
	char *payload = must(calloc(1, size), "memory");
	zmq_msg_t m;
	zmq_msg_init(&m);
	void *dealer = NULL;
	for (long i = 0; i < peers; i++) {
		dealer = connected(ZMQ_DEALER);
		check(zmq_send(dealer, "", 0, 0), "send");
		receive(router, &m);
	}
	start_echo(router);
	double start = now();
	for (long sent = 0, received = 0; received < count;) {
		for (; sent < count && sent - received < in_flight; sent++)
			check(zmq_send(dealer, payload, size, 0), "send");
		receive(dealer, &m);
		received++;
	}
	printf("%.0f\n", (double)count / (now() - start));
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void latency(void) {
	start_echo(listening(ZMQ_REP));
	void *req = connected(ZMQ_REQ);
	char *payload = must(calloc(1, size), "memory");
	double *took = must(calloc((size_t)count, sizeof *took), "memory");
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (long i = -100; i < count; i++) { // the first ones do not count
		double start = now();
		check(zmq_send(req, payload, size, 0), "send");
		receive(req, &m);
		if (i >= 0)
			took[i] = (now() - start) * 1e6;
	}
	qsort(took, (size_t)count, sizeof *took, ascending);
	printf("%.2f %.2f\n", took[count / 2], took[count * 99 / 100]);
}

static long resident(void) {
	long total, pages;
	FILE *f = must(fopen("/proc/self/statm", "r"), "statm");
	if (fscanf(f, "%ld %ld", &total, &pages) != 2)
		exit(1);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void idle(void) {
	void *pull = listening(ZMQ_PULL), *push = open_socket(there, ZMQ_PUSH);
	zmq_msg_t m;
	zmq_msg_init(&m);
	long before = resident();
	for (long i = 0; i < peers; i++)
		check(zmq_connect(push, endpoint), "connect");
	for (long i = 0; i < peers; i++) // PUSH takes turns, so this reaches every connection
		check(zmq_send(push, "", 0, 0), "send");
	for (long i = 0; i < peers; i++)
		receive(pull, &m);
	printf("%ld\n", (resident() - before) / (2 * peers));
}

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	mode = argv[1], size = (size_t)atol(argv[2]), count = atol(argv[3]), peers = atol(argv[4]);
	here = must(zmq_ctx_new(), "context");
	zmq_ctx_set(here, ZMQ_MAX_SOCKETS, 4096);
	there = must(zmq_ctx_new(), "context");
	zmq_ctx_set(there, ZMQ_MAX_SOCKETS, 4096);
	if (strncmp(mode, "inproc-", 7) == 0)
		endpoint = "inproc://bench", there = here;
	if (strcmp(mode, "pubsub") == 0)
		stream(ZMQ_XPUB, ZMQ_SUB); // PUB is XPUB without the subscriptions that tell when to begin
	else if (strcmp(mode, "pushpull") == 0 || strcmp(mode, "inproc-pushpull") == 0)
		stream(ZMQ_PUSH, ZMQ_PULL);
	else if (strcmp(mode, "inproc-pair") == 0)
		stream(ZMQ_PAIR, ZMQ_PAIR);
	else if (strcmp(mode, "echo") == 0)
		round_trips();
	else if (strcmp(mode, "reqrep") == 0)
		latency();
	else if (strcmp(mode, "idle") == 0)
		idle();
	else
		return 2;
	fflush(stdout);
	_exit(0); // the contexts have nothing to save
}
