package org.heteromem.cli.workload;

import java.io.Serial;

/** A job's result in the process's memory differs from the plain computation: the manager lost or tore a value. */
public final class WrongResultException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * A difference.
     *
     * @param what the element, in the words of the workload
     * @param address its virtual address
     * @param expected the value that the plain computation gave
     * @param actual the value found in memory
     */
    public WrongResultException(String what, long address, Object expected, Object actual) {
        super("wrong result: " + what + " at address 0x" + Long.toHexString(address) + " is " + actual + ", expected "
                + expected);
    }
}
