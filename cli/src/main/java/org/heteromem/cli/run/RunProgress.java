package org.heteromem.cli.run;

/** Is told how far a run has come, by the thread that runs it. */
public interface RunProgress {
    /** Nobody watches. */
    RunProgress NONE = (_, _) -> {};

    /**
     * Takes notice.
     *
     * @param done the share of the work that is done, from 0 to 1
     * @param phase what is under way
     */
    void at(double done, String phase);
}
