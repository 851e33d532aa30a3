package org.heteromem.live.daemon;

import java.util.EnumSet;
import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.migrate.Migration;

/**
 * Makes the core say once more where a page is. It is a migration that goes nowhere: while it lasts nobody else moves the
 * page, and at its end the {@link LiveMmu} is told that the page has stayed.
 */
final class Repair {
    private static final Set<Migration.Select> FROM_RAM = EnumSet.of(Migration.Select.SYSTEM);

    private Repair() {}

    /**
     * Says it of one page.
     *
     * @param space whose page
     * @param page its number
     * @param owner who asks; no device's owner
     */
    static void reassert(AddressSpace space, long page, Object owner) {
        try (Migration migration = Migration.setup(space, Page.address(page), Page.SIZE, FROM_RAM, owner)) {
            migration.migrate();
        } catch (MemoryException e) {
            if (space.areaAt(Page.address(page)) != null) {
                throw e;
            }
            // It is in no area any more: its region has just been taken down, and there is nothing to say.
        }
    }
}
