package org.heteromem.cli.daemon;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.heteromem.live.Status;

/** Shows the counters of a daemon to Prometheus, at {@code http://127.0.0.1:PORT/metrics}: to this machine only. */
public final class MetricsServer implements AutoCloseable {
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int OK = 200;

    private final HttpServer server;

    private MetricsServer(HttpServer server) {
        this.server = server;
    }

    /**
     * Starts.
     *
     * @param port where, from 0 (any that is free) to 65535
     * @param status is asked at each visit
     * @throws DaemonFailedException if the port is taken
     */
    public static MetricsServer start(int port, Supplier<Status> status) {
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new DaemonFailedException("--metrics: cannot listen on port " + port + ": " + e.getMessage(), e);
        }
        server.createContext("/", exchange -> answer(exchange, status));
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return new MetricsServer(server);
    }

    private static void answer(HttpExchange exchange, Supplier<Status> status) throws IOException {
        try (exchange) {
            if (!exchange.getRequestURI().getPath().equals("/metrics")) {
                exchange.sendResponseHeaders(NOT_FOUND, -1);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(NOT_ALLOWED, -1);
            } else {
                byte[] body = Prometheus.text(status.get()).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
                exchange.sendResponseHeaders(OK, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    /** {@return the port} */
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
