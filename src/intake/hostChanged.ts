/** A new outbox beside folders that another host name has tracked. */
export class HostChanged extends Error {
  constructor(was: string, is: string, folder: string) {
    super(
      `the result file of ${folder} was written by host "${was}", this configuration says host "${is}", and the outbox is new: set host: ${was}, or everything would be sent again`,
    );
    this.name = 'HostChanged';
  }
}
