/** For `npm run mutate`: that a property fails is enough. To find the smallest example of it takes a hundred times as long. */
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
