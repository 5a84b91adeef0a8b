import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.SecurityUtil;
import org.apache.hadoop.security.UserGroupInformation;

/** The folders of a new HDFS, made by its superuser: homes, and /tmp for all. bob has no home. */
class Folders {
  public static void main(String[] arguments) throws Exception {
    var configuration = new Configuration();
    configuration.addResource("hdfs-site.xml");
    UserGroupInformation.setConfiguration(configuration);
    SecurityUtil.login(configuration, "dfs.namenode.keytab.file", "dfs.namenode.kerberos.principal");
    try (var files = FileSystem.get(configuration)) {
      make(files, "/tmp", "hdfs", 01777);
      make(files, "/user", "hdfs", 0755);
      for (var name : new String[] {"dask", "alice"}) make(files, "/user/" + name, name, 0755);
      make(files, "/dask-gateway", "dask", 0755);
    }
  }

  static void make(FileSystem files, String name, String owner, int mode) throws Exception {
    var path = new Path(name);
    files.mkdirs(path);
    files.setPermission(path, new FsPermission((short) mode));
    files.setOwner(path, owner, owner);
  }
}
