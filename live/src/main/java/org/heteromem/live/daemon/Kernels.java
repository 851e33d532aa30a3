package org.heteromem.live.daemon;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.devices.accelerator.MemoryRange;
import org.heteromem.live.wire.ErrorCode;
import org.jspecify.annotations.Nullable;

/**
 * Makes kernels for one client: classes by their names, from the class path that the daemon was given, with what the daemon
 * itself knows behind it. Each client has a loader of its own, so that what one client's kernels keep in static fields no
 * other one sees.
 *
 * <p>A kernel has one constructor that takes the arguments in their order. An integer goes to a {@code long}, or to an {@code
 * int} that it fits into, a floating-point number to a {@code double}, memory to a {@code long}, its address, or to a {@link
 * MemoryRange}. A record of such components is a kernel as it should be.
 */
final class Kernels implements AutoCloseable {
    private final @Nullable URLClassLoader loader;

    Kernels(List<Path> classPath) {
        this.loader = classPath.isEmpty()
                ? null
                : new URLClassLoader(
                        "kernels",
                        classPath.stream().map(Kernels::url).toArray(URL[]::new),
                        Kernels.class.getClassLoader());
    }

    private static URL url(Path path) {
        try {
            return path.toAbsolutePath().toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("class path of kernels: " + path, e);
        }
    }

    /**
     * Checks a class path.
     *
     * @throws IllegalArgumentException if a part of it is not there
     */
    static void check(List<Path> classPath) {
        for (Path path : classPath) {
            if (!Files.isReadable(path)) {
                throw new IllegalArgumentException("class path of kernels: there is no file or folder " + path
                        + " that can be read; paths are" + " separated by '" + File.pathSeparator + "'");
            }
        }
    }

    /**
     * Makes one.
     *
     * @param className binary name of the class
     * @param arguments each a Long, a Double or a {@link MemoryRange}
     * @throws RefusedException if there is no such class, it is no kernel, or does not take the arguments, or throws
     */
    Kernel make(String className, List<Object> arguments) {
        if (loader == null) {
            throw new RefusedException(
                    ErrorCode.NOT_ALLOWED,
                    "this daemon runs no kernels: it was given no class path for them (Options.kernels, or --kernels)");
        }
        Class<?> type;
        try {
            // Nothing of a class runs before it is known to be a kernel.
            type = Class.forName(className, false, loader);
        } catch (ClassNotFoundException e) {
            throw failed(
                    className,
                    "there is no such class on the class path of kernels, "
                            + Arrays.stream(loader.getURLs())
                                    .map(URL::getPath)
                                    .collect(Collectors.joining(File.pathSeparator)));
        } catch (LinkageError e) {
            throw failed(className, "it cannot be loaded: " + e);
        }
        if (!Kernel.class.isAssignableFrom(type)) {
            throw failed(className, "it does not implement " + Kernel.class.getName());
        }
        try {
            return make(type, arguments);
        } catch (LinkageError e) {
            // Of a class that its constructors name, or that it needs in order to begin.
            throw failed(className, "it cannot be made: " + said(className, e));
        }
    }

    private static Kernel make(Class<?> type, List<Object> arguments) {
        List<Constructor<?>> fitting = new ArrayList<>();
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            if (takes(constructor.getParameterTypes(), arguments)) {
                fitting.add(constructor);
            }
        }
        if (fitting.size() != 1) {
            throw failed(
                    type.getName(),
                    (fitting.isEmpty() ? "no constructor takes " : "several constructors take ")
                            + arguments.stream()
                                    .map(a -> a.getClass().getSimpleName())
                                    .collect(Collectors.joining(", ", "(", ")"))
                            + "; its constructors: " + Arrays.toString(type.getDeclaredConstructors()));
        }
        Constructor<?> constructor = fitting.getFirst();
        Object[] values = new Object[arguments.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(constructor.getParameterTypes()[i], arguments.get(i));
        }
        try {
            constructor.setAccessible(true);
            return (Kernel) constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw failed(type.getName(), "its constructor threw " + said(type.getName(), e.getTargetException()));
        } catch (InstantiationException
                | IllegalAccessException
                | IllegalArgumentException
                | InaccessibleObjectException e) {
            throw failed(type.getName(), "it cannot be made: " + e.getMessage());
        }
    }

    /**
     * {@return what a kernel threw, and the line of the kernel, which is what its author wants to know}
     *
     * <p>It may be an exception of the kernel's own, whose methods are code of the kernel's too.
     */
    static String said(String kernel, Throwable thrown) {
        try {
            StringBuilder text = new StringBuilder(thrown.toString());
            Throwable cause = thrown.getCause();
            if (thrown instanceof LinkageError && cause != null) {
                text.append(", because of ").append(cause);
            }
            for (StackTraceElement frame : thrown.getStackTrace()) {
                if (frame.getClassName().equals(kernel)) {
                    return text.append(" at ").append(frame).toString();
                }
            }
            return text.toString();
        } catch (Throwable again) {
            return thrown.getClass().getName() + ", which cannot say more: telling of it threw "
                    + again.getClass().getName();
        }
    }

    private static boolean takes(Class<?>[] parameters, List<Object> arguments) {
        if (parameters.length != arguments.size()) {
            return false;
        }
        for (int i = 0; i < parameters.length; i++) {
            Class<?> parameter = parameters[i];
            boolean fits = switch (arguments.get(i)) {
                case Long number -> parameter == long.class || (parameter == int.class && number.intValue() == number);
                case Double _ -> parameter == double.class;
                case MemoryRange _ -> parameter == MemoryRange.class || parameter == long.class;
                default -> false;
            };
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    private static Object value(Class<?> parameter, Object argument) {
        return switch (argument) {
            case Long number when parameter == int.class -> number.intValue();
            case MemoryRange range when parameter == long.class -> range.address();
            default -> argument;
        };
    }

    private static RefusedException failed(String className, String why) {
        return new RefusedException(ErrorCode.KERNEL_FAILED, "kernel " + className + ": " + why);
    }

    @Override
    public void close() throws IOException {
        if (loader != null) {
            loader.close();
        }
    }
}
