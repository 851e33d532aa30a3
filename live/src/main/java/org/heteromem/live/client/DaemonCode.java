package org.heteromem.live.client;

import java.io.File;
import java.lang.module.Configuration;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.heteromem.live.UnavailableException;

/**
 * How another JVM finds the code that this one runs: by the module path where this code is a module, else by the class path,
 * be that folders of classes, jars, or one jar of everything.
 *
 * @param arguments of {@code java}, up to and with the main class
 */
record DaemonCode(List<String> arguments) {
    private static final String MODULE = "org.heteromem.live";

    /** Not a class literal: the client does not depend on the daemon. */
    private static final String MAIN_CLASS = "org.heteromem.live.daemon.DaemonMain";

    DaemonCode {
        arguments = List.copyOf(arguments);
    }

    /** That of this class. */
    static DaemonCode ofThisProgram() {
        Module module = DaemonCode.class.getModule();
        return module.isNamed() ? ofModule(module) : ofClassPath();
    }

    private static DaemonCode ofModule(Module module) {
        Configuration configuration = module.getLayer().configuration();
        Set<ResolvedModule> needed = new LinkedHashSet<>();
        // What has our prefix may be found by a service only, so that nobody reads it.
        configuration.modules().stream()
                .filter(m -> m.name().startsWith("org.heteromem."))
                .forEach(m -> addWithReads(m, needed));
        configuration.findModule(module.getName()).ifPresent(m -> addWithReads(m, needed));
        Set<String> locations = new TreeSet<>();
        for (ResolvedModule one : needed) {
            one.reference()
                    .location()
                    .filter(uri -> !uri.getScheme().equals("jrt")) // part of the JDK
                    .ifPresent(uri -> locations.add(path(uri)));
        }
        return new DaemonCode(List.of(
                "--enable-native-access=" + MODULE,
                "-p",
                String.join(File.pathSeparator, locations),
                "-m",
                module.getName() + "/" + MAIN_CLASS));
    }

    private static void addWithReads(ResolvedModule module, Set<ResolvedModule> all) {
        if (all.add(module)) {
            module.reads().forEach(read -> addWithReads(read, all));
        }
    }

    private static DaemonCode ofClassPath() {
        // Ours first: then a long class path behind it is not searched, and only serves what we need of others.
        Set<String> locations = new LinkedHashSet<>();
        CodeSource source = DaemonCode.class.getProtectionDomain().getCodeSource();
        if (source != null && source.getLocation() != null) {
            try {
                locations.add(path(source.getLocation().toURI()));
            } catch (URISyntaxException e) {
                throw notLoadable(source.getLocation().toString(), e);
            }
        }
        List<String> classPath = new ArrayList<>(
                List.of(System.getProperty("java.class.path", "").split(File.pathSeparator, -1)));
        classPath.removeIf(String::isEmpty);
        classPath.forEach(entry -> locations.add(Path.of(entry).toAbsolutePath().toString()));
        return new DaemonCode(List.of(
                "--enable-native-access=ALL-UNNAMED", "-cp", String.join(File.pathSeparator, locations), MAIN_CLASS));
    }

    private static String path(URI location) {
        try {
            return Path.of(location).toAbsolutePath().toString();
        } catch (RuntimeException e) { // a place inside another file, or of a class loader's own kind
            throw notLoadable(location.toString(), e);
        }
    }

    private static UnavailableException notLoadable(String location, Exception cause) {
        return new UnavailableException(
                "a private daemon cannot be started, since its code is at " + location
                        + ", where another JVM does not find it; start 'heteromem daemon' beside this program",
                cause);
    }
}
