package org.heteromem.live.interplay;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apache.lucene.store.BaseDirectory;
import org.apache.lucene.store.ByteBuffersDataInput;
import org.apache.lucene.store.ByteBuffersIndexInput;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.OutputStreamIndexOutput;
import org.apache.lucene.store.SingleInstanceLockFactory;

/** An index of Lucene in memory segments: each file has an arena of its own, which goes when nobody reads the file any more. */
final class SegmentDirectory extends BaseDirectory {
    private static final int CHUNK_BYTES = 1 << 18;
    private static final int BUFFER_BYTES = 8192;

    private final Supplier<Arena> arenas;
    private final Map<String, Content> files = new ConcurrentHashMap<>();
    private final AtomicLong temporary = new AtomicLong();

    /**
     * @param arenas gives automatic ones
     */
    SegmentDirectory(Supplier<Arena> arenas) {
        super(new SingleInstanceLockFactory());
        this.arenas = arenas;
    }

    /** The bytes of one file, in chunks of one size. */
    private final class Content extends OutputStream {
        private final Arena arena = arenas.get();
        private final List<MemorySegment> chunks = new ArrayList<>();
        private long length;

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) {
            for (int done = 0; done < count; ) {
                long at = length % CHUNK_BYTES;
                if (at == 0) {
                    chunks.add(arena.allocate(CHUNK_BYTES, Long.BYTES));
                }
                int some = (int) Math.min(count - done, CHUNK_BYTES - at);
                MemorySegment.copy(bytes, from + done, chunks.getLast(), ValueLayout.JAVA_BYTE, at, some);
                done += some;
                length += some;
            }
        }

        List<ByteBuffer> buffers() {
            List<ByteBuffer> buffers = new ArrayList<>();
            for (int i = 0; i < chunks.size(); i++) {
                long bytes = Math.min(CHUNK_BYTES, length - (long) i * CHUNK_BYTES);
                buffers.add(chunks.get(i).asSlice(0, bytes).asByteBuffer());
            }
            return buffers.isEmpty() ? List.of(ByteBuffer.allocate(0)) : buffers;
        }
    }

    /** Bytes of all files. */
    long bytes() {
        return files.values().stream().mapToLong(file -> file.length).sum();
    }

    private Content need(String name) throws IOException {
        Content content = files.get(name);
        if (content == null) {
            throw new FileNotFoundException(name);
        }
        return content;
    }

    @Override
    public String[] listAll() {
        return files.keySet().stream().sorted().toArray(String[]::new);
    }

    @Override
    public void deleteFile(String name) throws IOException {
        need(name);
        files.remove(name);
    }

    @Override
    public long fileLength(String name) throws IOException {
        return need(name).length;
    }

    @Override
    public IndexOutput createOutput(String name, IOContext context) throws IOException {
        Content content = new Content();
        if (files.putIfAbsent(name, content) != null) {
            throw new FileAlreadyExistsException(name);
        }
        return new OutputStreamIndexOutput("segments of " + name, name, content, BUFFER_BYTES);
    }

    @Override
    public IndexOutput createTempOutput(String prefix, String suffix, IOContext context) throws IOException {
        return createOutput(prefix + '_' + suffix + '_' + temporary.incrementAndGet() + ".tmp", context);
    }

    @Override
    public void sync(Collection<String> names) {}

    @Override
    public void syncMetaData() {}

    @Override
    public void rename(String source, String target) throws IOException {
        files.put(target, need(source));
        files.remove(source);
    }

    @Override
    public IndexInput openInput(String name, IOContext context) throws IOException {
        return new ByteBuffersIndexInput(new ByteBuffersDataInput(need(name).buffers()), "segments of " + name);
    }

    @Override
    public Set<String> getPendingDeletions() {
        return Set.of();
    }

    @Override
    public void close() {
        isOpen = false;
    }
}
