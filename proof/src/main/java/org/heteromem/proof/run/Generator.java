package org.heteromem.proof.run;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.proof.model.Model;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.world.World;

/**
 * Chooses steps. To reach deep states it stays near a few hot pages, mostly picks what is mapped, and gives each run a
 * character of its own: some kinds of steps never happen in it, some four times as often (swarm testing).
 */
final class Generator {
    private interface Maker {
        Op make();
    }

    private record Choice(int weight, Maker maker) {}

    private static final Advice[] ADVICE = Advice.values();
    private static final Protection[] PROTECTIONS = {
        Protection.READ_WRITE, Protection.READ, Protection.READ_WRITE, Protection.NONE, Protection.READ_WRITE
    };
    private static final int HOT_PAGES = 10;

    private final SplittableRandom random;
    private final Model model;
    private final Choice[] choices;
    private final int total;
    private int hot;

    /** Makes one for worlds without storage, and with it. */
    Generator(long seed, Model model, boolean storage) {
        this.random = new SplittableRandom(seed);
        this.model = model;
        Choice[] usual = {
            new Choice(10, this::map),
            new Choice(3, () -> new Op.Unmap(space(), page(), pages())),
            new Choice(8, () -> new Op.Protect(space(), page(), pages(), PROTECTIONS[random.nextInt(5)])),
            new Choice(5, this::remap),
            new Choice(12, () -> new Op.Advise(space(), page(), pages(), ADVICE[random.nextInt(ADVICE.length)])),
            new Choice(2, () -> new Op.Lock(space(), page(), pages())),
            new Choice(4, () -> new Op.Unlock(space(), page(), pages())),
            new Choice(3, () -> new Op.Fork(space(), random.nextInt(Op.SPACES))),
            new Choice(2, this::exit),
            new Choice(50, () -> new Op.Load(space(), at(), word())),
            new Choice(60, () -> new Op.Store(space(), at(), word(), random.nextLong())),
            new Choice(12, this::compareAndSet),
            new Choice(12, () -> new Op.Add(space(), aligned(8), random.nextBoolean() ? 4 : 8, random.nextInt())),
            new Choice(12, () -> bulk(false)),
            new Choice(12, () -> bulk(true)),
            new Choice(10, () -> new Op.Fault(space(), page(), access())),
            new Choice(14, () -> new Op.DeviceRead(device(), space(), page(), pages())),
            new Choice(16, () -> new Op.DeviceWrite(device(), space(), page(), pages(), random.nextInt())),
            new Choice(8, () -> new Op.Exclusive(device(), space(), page(), pages())),
            new Choice(26, () -> new Op.ToDevice(device(), space(), page(), pages())),
            new Choice(8, () -> new Op.ToRam(device(), space(), page(), pages())),
            new Choice(6, () -> new Op.ToNode(random.nextInt(World.NODES), space(), page(), pages())),
            new Choice(4, () -> new Op.EvictDevice(device(), random.nextInt(40), 1 + random.nextInt(16))),
            new Choice(
                    4, () -> new Op.EvictNode(random.nextInt(World.NODES), random.nextInt(64), 1 + random.nextInt(24))),
            new Choice(2, () -> new Op.Replug(device())),
            new Choice(4, () -> new Op.Lose(device(), space(), page(), pages())),
            new Choice(8, this::hold),
            new Choice(8, () -> new Op.HoldRead(random.nextInt(Op.HOLDS))),
            new Choice(4, () -> new Op.HoldWrite(random.nextInt(Op.HOLDS), random.nextInt())),
            new Choice(7, () -> new Op.Release(random.nextInt(Op.HOLDS))),
            new Choice(6, () -> new Op.ToDeviceAtOnce(device(), space(), page(), pages())),
            new Choice(6, () -> new Op.Snapshot(device(), space(), page(), pages())),
        };
        Choice[] stored = {
            new Choice(14, this::mapHomed),
            new Choice(4, () -> new Op.Budget(random.nextInt(Op.BUDGETS), 3 + random.nextInt(22))),
            new Choice(24, () -> new Op.Evict(store(), space(), page(), pages())),
            new Choice(10, () -> new Op.Fetch(store(), space(), page(), pages())),
            new Choice(6, () -> new Op.Reclaim(store(), 1 + random.nextInt(8))),
            new Choice(8, () -> new Op.Demote(store(), store(), 1 + random.nextInt(8))),
            new Choice(6, () -> new Op.Damage(store(), space(), page())),
            new Choice(4, () -> new Op.Restart(store())),
        };
        Choice[] all = usual;
        if (storage) {
            all = Arrays.copyOf(usual, usual.length + stored.length);
            System.arraycopy(stored, 0, all, usual.length, stored.length);
        }
        this.choices = new Choice[all.length];
        int sum = 0;
        for (int i = 0; i < all.length; i++) {
            int mood = random.nextInt(8);
            int weight = i == 0 ? all[i].weight : mood == 0 ? 0 : mood == 1 ? 4 * all[i].weight : all[i].weight;
            choices[i] = new Choice(weight, all[i].maker);
            sum += weight;
        }
        this.total = sum;
        this.hot = random.nextInt(Op.PAGES);
    }

    /** The next step; it may turn out to mean nothing. */
    Op next() {
        if (random.nextInt(64) == 0) {
            hot = random.nextInt(Op.PAGES);
        }
        int at = random.nextInt(total);
        for (Choice choice : choices) {
            at -= choice.weight;
            if (at < 0) {
                return choice.maker.make();
            }
        }
        throw new IllegalStateException("weights do not add up to " + total);
    }

    // ---- where -------------------------------------------------------------------------------------------------

    private int lastSpace;
    private int lastPage;

    private int space() {
        for (int i = 0; i < 4; i++) {
            lastSpace = random.nextInt(Op.SPACES);
            if (model.alive(lastSpace)) {
                break;
            }
        }
        return lastSpace;
    }

    private int anyPage() {
        return random.nextInt(4) == 0 ? random.nextInt(Op.PAGES) : (hot + random.nextInt(HOT_PAGES)) % Op.PAGES;
    }

    /** A page of the process chosen last, most often a mapped one. */
    private int page() {
        for (int i = 0; i < 5; i++) {
            lastPage = anyPage();
            if (model.page(lastSpace, lastPage).mapped) {
                break;
            }
        }
        return lastPage;
    }

    private int count(int most) {
        int kind = random.nextInt(32);
        int wanted = kind < 16 ? 1 : kind < 28 ? 2 + random.nextInt(3) : kind < 31 ? 5 + random.nextInt(12) : Op.PAGES;
        return Math.min(wanted, most);
    }

    /** A number of pages from the page chosen last; most often no further than what is mapped. */
    private int pages() {
        int wanted = count(Op.PAGES - lastPage);
        if (random.nextInt(8) != 0) {
            int mapped = 1;
            while (mapped < wanted && model.page(lastSpace, lastPage + mapped).mapped) {
                mapped++;
            }
            return mapped;
        }
        return wanted;
    }

    private int word() {
        return switch (random.nextInt(4)) {
            case 0 -> 1;
            case 1 -> 4;
            default -> 8;
        };
    }

    private int aligned(int to) {
        return page() * Page.SIZE + random.nextInt(Page.SIZE / to) * to;
    }

    /** A byte; now and then one from which a word reaches into the next page. */
    private int at() {
        if (random.nextInt(24) != 0) {
            return aligned(8);
        }
        int at = page() * Page.SIZE
                + (random.nextBoolean() ? Page.SIZE - 1 - random.nextInt(8) : random.nextInt(Page.SIZE));
        return Math.min(at, Op.PAGES * Page.SIZE - 8);
    }

    private int device() {
        return random.nextInt(World.DEVICES);
    }

    private int store() {
        return random.nextInt(Op.STORES);
    }

    private Access access() {
        return random.nextBoolean() ? Access.READ : Access.WRITE;
    }

    // ---- what --------------------------------------------------------------------------------------------------

    /** A range where nothing is mapped, most often; the process is the one chosen last. */
    private int freePage(int space) {
        int page = anyPage();
        if (random.nextInt(16) != 0) {
            for (int i = 0; i < Op.PAGES && model.page(space, page).mapped; i++) {
                page = (page + 1) % Op.PAGES;
            }
        }
        return page;
    }

    private int freePages(int space, int page) {
        int wanted = Math.min(1 + random.nextInt(16), Op.PAGES - page);
        int free = 1;
        while (free < wanted && !model.page(space, page + free).mapped) {
            free++;
        }
        return free;
    }

    private Op map() {
        int space = space();
        int page = freePage(space);
        int free = freePages(space, page);
        Sharing sharing = random.nextInt(4) == 0 ? Sharing.SHARED : Sharing.PRIVATE;
        return new Op.Map(
                space,
                page,
                free,
                random.nextInt(4) == 0 ? PROTECTIONS[random.nextInt(5)] : Protection.READ_WRITE,
                sharing);
    }

    private Op mapHomed() {
        int space = space();
        int page = freePage(space);
        return new Op.MapHomed(space, page, freePages(space, page), random.nextInt(Op.BUDGETS));
    }

    private Op remap() {
        int space = space();
        int page = page();
        int pages = pages();
        int target = random.nextInt(Op.PAGES - pages + 1);
        return new Op.Remap(
                space, page, pages, target, random.nextInt(3) == 0 ? RemapMode.KEEP_SOURCE : RemapMode.MOVE);
    }

    /** The last process is left alone: without any, nothing more would happen. */
    private Op exit() {
        int space = space();
        int alive = 0;
        for (int i = 0; i < Op.SPACES; i++) {
            alive += model.alive(i) ? 1 : 0;
        }
        return alive > 1 ? new Op.Exit(space) : new Op.Load(space, at(), 8);
    }

    private Op compareAndSet() {
        int bytes = random.nextBoolean() ? 4 : 8;
        return new Op.CompareAndSet(space(), aligned(bytes), bytes, random.nextInt(4) != 0, random.nextLong());
    }

    private Op bulk(boolean write) {
        int space = space();
        int at = page() * Page.SIZE + (random.nextBoolean() ? 0 : random.nextInt(Page.SIZE));
        int most = Op.PAGES * Page.SIZE - at;
        int bytes =
                Math.min(most, random.nextInt(4) == 0 ? 1 + random.nextInt(3 * Page.SIZE) : 1 + random.nextInt(2048));
        return write ? new Op.Write(space, at, bytes, random.nextInt()) : new Op.Read(space, at, bytes);
    }

    private Op hold() {
        Op.HoldKind kind = Op.HoldKind.values()[random.nextInt(3)];
        int space = space();
        int page = page();
        return new Op.Hold(random.nextInt(Op.HOLDS), space, page, Math.min(4, pages()), access(), kind);
    }
}
