import type { MysqlTask } from '../../../../api/v1alpha1/sources/mysql.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { withConnection, type Connection, type NetworkAccount } from '../connect.ts';
import { readAccount, writeOptions } from '../prepare.ts';

export interface SignIn {
  /** Does something as the account, with a file that the clients sign in with. */
  signedIn<T>(context: RestoreContext, work: (account: NetworkAccount, optionFile: string) => Promise<T>): Promise<T>;
  connected<T>(context: RestoreContext, work: (connection: Connection) => Promise<T>): Promise<T>;
}

export const signIn = (target: MysqlTask): SignIn => ({
  async signedIn(context, work) {
    const account = await readAccount(context, target);
    const options = await writeOptions(context, account);
    try {
      return await work(account, options.file);
    } finally {
      await options.remove();
    }
  },
  connected: async (context, work) => withConnection(await readAccount(context, target), context.signal, work),
});
